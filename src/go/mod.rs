//! Text and numbers as Go’s standard library reads and writes them: pure functions, tested by tables.
