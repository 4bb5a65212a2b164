//! What to ask: plain data, made from arguments and compared in tests. Nothing here knows a connection.

/// Which keys: everything from [`Range::key`] to here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RangeEnd {
    /// That key alone.
    #[default]
    Key,
    /// Up to this key, without it.
    Below(Vec<u8>),
    /// All keys that begin with it.
    Prefix,
    /// All keys from it on.
    Open,
}

impl RangeEnd {
    /// The bounds on the wire (`RangeRequest.key`, `range_end`). An empty key with an open end or as a
    /// prefix is the whole key space, which is NUL to NUL.
    #[must_use]
    pub fn bounds(self, key: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
        const NUL: &[u8] = b"\0";
        match self {
            Self::Key => (key, Vec::new()),
            Self::Below(end) => (key, end),
            Self::Prefix | Self::Open if key.is_empty() => (NUL.to_vec(), NUL.to_vec()),
            Self::Prefix => {
                let end = after_prefix(&key);
                (key, end)
            }
            Self::Open => (key, NUL.to_vec()),
        }
    }
}

/// The first key past all that begin with `prefix`: its last byte below 0xff raised by one, the rest
/// cut. NUL, which means no end, where there is no such byte.
#[must_use]
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    match prefix.iter().rposition(|&byte| byte < 0xff) {
        Some(last) => {
            let mut end = prefix[..=last].to_vec();
            end[last] += 1;
            end
        }
        None => b"\0".to_vec(),
    }
}

/// The field that a server sorts by (`RangeRequest.SortTarget`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortTarget {
    #[default]
    Key,
    Version,
    Create,
    Modify,
    Value,
}

/// The direction that a server sorts in (`RangeRequest.SortOrder`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    #[default]
    None,
    Ascend,
    Descend,
}

/// Which keys to watch, and what to tell of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    pub key: Vec<u8>,
    pub end: RangeEnd,
    /// The first revision whose events are wanted; 0 for those to come.
    pub revision: i64,
    pub prev_kv: bool,
    /// Whether to be told now and then that nothing has happened.
    pub progress_notify: bool,
}

/// Which keys to read, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub key: Vec<u8>,
    pub end: RangeEnd,
    /// At most so many pairs; 0 or less for all.
    pub limit: i64,
    /// The revision to read at; 0 or less for the newest.
    pub revision: i64,
    pub target: SortTarget,
    pub order: SortOrder,
    /// Answered by the member asked, without quorum.
    pub serializable: bool,
    pub keys_only: bool,
    /// Of each pair nothing but its key is looked at: who knows that without reading the rest need not read it.
    pub names_only: bool,
    pub count_only: bool,
    pub min_mod_revision: i64,
    pub max_mod_revision: i64,
    pub min_create_revision: i64,
    pub max_create_revision: i64,
    /// Asked by `RangeStream`, and by nothing else.
    pub stream: bool,
}

/// What to store under a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    /// The lease to attach; 0 for none.
    pub lease: i64,
    pub prev_kv: bool,
    pub ignore_value: bool,
    pub ignore_lease: bool,
}

/// Which keys to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delete {
    pub key: Vec<u8>,
    pub end: RangeEnd,
    pub prev_kv: bool,
}

/// What to do at once or not at all: these requests where all comparisons hold, else those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    pub compares: Vec<Compare>,
    pub success: Vec<Operation>,
    pub failure: Vec<Operation>,
}

/// One request of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Range(Range),
    Put(Put),
    Delete(Delete),
}

/// What must hold of a key. One that is not there has zeros and an empty value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    pub key: Vec<u8>,
    pub operator: Operator,
    pub operand: Operand,
}

/// How a key's field is compared with the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Greater,
    Less,
    NotEqual,
}

/// The field that is compared, and what with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Version(i64),
    CreateRevision(i64),
    ModRevision(i64),
    Value(Vec<u8>),
    Lease(i64),
}

/// What a role may do with a range of keys (`authpb.Permission`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pub kind: PermissionKind,
    /// The bounds as they are on the wire.
    pub key: Vec<u8>,
    pub end: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionKind {
    Read,
    Write,
    ReadWrite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_after_its_last_byte_that_can_be_raised() {
        for (prefix, end) in [
            (&b"a"[..], &b"b"[..]),
            (b"/", b"0"),
            (b"a\xff", b"b"),
            (b"\xff\xff", b"\0"),
            (b"", b"\0"),
        ] {
            assert_eq!(after_prefix(prefix), end, "{prefix:?}");
        }
    }

    #[test]
    fn an_empty_key_with_an_open_end_is_the_whole_key_space() {
        let nul = || b"\0".to_vec();
        assert_eq!(RangeEnd::Prefix.bounds(vec![]), (nul(), nul()));
        assert_eq!(RangeEnd::Open.bounds(vec![]), (nul(), nul()));
        assert_eq!(RangeEnd::Open.bounds(b"k".to_vec()), (b"k".to_vec(), nul()));
        assert_eq!(RangeEnd::Key.bounds(vec![]), (vec![], vec![]));
        assert_eq!(RangeEnd::Below(b"z".to_vec()).bounds(vec![]), (vec![], b"z".to_vec()));
    }
}
