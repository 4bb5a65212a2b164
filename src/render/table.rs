//! `-w table`: rows under headings, in the boxes that the official client draws since 3.7.
//!
//! A long range is drawn in blocks: a block is never narrower than the one before it, so that the
//! memory is that of one block and the lines keep their places as far as what came before can tell.

use std::io::Write;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Row, Table,
    TableStyle, Width,
};

use super::{Look, View, endpoint, escape, event, node, words};
use crate::error::Result;
use crate::proto::{DeleteRangeResponse, OneResponse, PutResponse, TxnResponse, WatchResponse};
use crate::reply::{Fact, Header, Pair, Reply, Tail};

const PAIR: [&str; 6] = ["KEY", "CREATEREVISION", "MODREVISION", "VERSION", "VALUE", "LEASE"];
const PREV: [&str; 6] =
    ["PREVKEY", "PREVCREATEREVISION", "PREVMODREVISION", "PREVVERSION", "PREVVALUE", "PREVLEASE"];
const MEMBER: [&str; 6] = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"];
const HEADER: [&str; 4] = ["CLUSTERID", "MEMBERID", "REVISION", "RAFTTERM"];

pub fn reply(reply: &Reply, look: &Look, out: &mut dyn Write) -> Result<()> {
    match reply {
        Reply::Put(answer) => put(&answer.message, look, out),
        Reply::Delete(answer) => delete(&answer.message, look, out),
        Reply::Txn(answer) => txn(&answer.message, look, out),
        Reply::Members(answer) => {
            let rows = answer.message.members.iter().map(|one| words::member(one).to_vec());
            draw(&MEMBER, rows.collect(), out)
        }
        Reply::EndpointHealth(all) => {
            draw(&endpoint::HEALTH, all.iter().map(endpoint::health_row).map(cells).collect(), out)
        }
        Reply::EndpointStatus(all) => {
            draw(&endpoint::STATUS, all.iter().map(endpoint::status_row).map(cells).collect(), out)
        }
        Reply::EndpointHash(all) => {
            draw(&endpoint::HASH, all.iter().map(endpoint::hash_row).map(cells).collect(), out)
        }
        Reply::Watch(response) if response.events.is_empty() => Ok(()),
        Reply::Watch(response) => {
            let (columns, rows) = events(response, look);
            draw(&columns, rows, out)
        }
        Reply::File(facts) => {
            let row = facts.iter().map(|fact| fact.shown.clone()).collect();
            draw(&columns(facts), vec![row], out)
        }
        Reply::Items(items) => {
            let row = |facts: &Vec<Fact>| facts.iter().map(|fact| fact.shown.clone()).collect();
            let columns = items.first().map_or(Vec::new(), |facts| columns(facts));
            draw(&columns, items.iter().map(row).map(cells).collect(), out)
        }
        other => items(other, out),
    }
}

fn draw(columns: &[&str], rows: Vec<Vec<String>>, out: &mut dyn Write) -> Result<()> {
    let mut drawing = Drawing::new(columns);
    drawing.block(rows, out)?;
    drawing.end(out)
}

fn columns(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(|fact| fact.column).collect()
}

/// What was there before has columns of its own where any event tells it.
fn events(response: &WatchResponse, look: &Look) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let with_prev = response.events.iter().any(|event| event.prev_kv.is_some());
    let mut columns = [&["TYPE"][..], &PAIR].concat();
    if with_prev {
        columns.extend(PREV);
    }
    let row = |event: event::Event| {
        let mut row = vec![event.name];
        row.extend(pair(&event.pair, look));
        if with_prev {
            row.extend(event.prev.map_or_else(|| vec![String::new(); 6], |prev| pair(&prev, look)));
        }
        row
    };
    (columns, event::events(response).map(row).collect())
}

/// Texts of a server as cells: on one line, without the blanks around them.
fn cells(row: Vec<String>) -> Vec<String> {
    let plain = Look::default();
    row.into_iter().map(|text| escape::cell(text.trim().as_bytes(), &plain)).collect()
}

fn put(put: &PutResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    let mut columns = HEADER.to_vec();
    let mut row = header(put.header.as_ref(), look);
    if let Some(kv) = &put.prev_kv {
        columns.extend(PREV);
        row.extend(pair(&kv.into(), look));
    }
    draw(&columns, vec![row], out)
}

fn delete(delete: &DeleteRangeResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    if delete.prev_kvs.is_empty() {
        let mut row = header(delete.header.as_ref(), look);
        row.push(delete.deleted.to_string());
        return draw(&[&HEADER[..], &["DELETED"]].concat(), vec![row], out);
    }
    let rows = delete.prev_kvs.iter().map(|kv| pair(&kv.into(), look));
    draw(&PREV, rows.collect(), out)
}

/// What was decided, then the table of each answer: they differ in what they tell.
fn txn(txn: &TxnResponse, look: &Look, out: &mut dyn Write) -> Result<()> {
    let mut row = header(txn.header.as_ref(), look);
    row.push(txn.succeeded.to_string());
    draw(&[&HEADER[..], &["SUCCEEDED"]].concat(), vec![row], out)?;
    for response in &txn.responses {
        match &response.response {
            Some(OneResponse::ResponseRange(range)) => {
                let rows = range.kvs.iter().map(|kv| pair(&kv.into(), look));
                draw(&PAIR, rows.collect(), out)?;
            }
            Some(OneResponse::ResponsePut(answer)) => put(answer, look, out)?,
            Some(OneResponse::ResponseDeleteRange(answer)) => delete(answer, look, out)?,
            // Nobody asks for a transaction within one.
            Some(OneResponse::ResponseTxn(inner)) => self::txn(inner, look, out)?,
            None => {}
        }
    }
    Ok(())
}

/// An answer that the official client has no table for: a row an item, json's names above.
fn items(reply: &Reply, out: &mut dyn Write) -> Result<()> {
    let items = node::reply(reply).items(reply);
    let mut columns: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for item in &items {
        let leaves = item.leaves("name");
        if columns.is_empty() {
            columns =
                leaves.iter().map(|(name, _)| name.replace('_', " ").to_uppercase()).collect();
        }
        let cell = |(_, node): (&str, &node::Node)| {
            let value = serde_json::to_value(node::Plain(node)).map_err(std::io::Error::from)?;
            Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        rows.push(leaves.into_iter().map(cell).collect::<Result<Vec<String>>>()?);
    }
    if rows.is_empty() {
        return Ok(());
    }
    draw(&columns.iter().map(String::as_str).collect::<Vec<_>>(), rows, out)
}

/// A range: pairs wait until a block is full.
pub struct Range<'a> {
    look: &'a Look,
    view: View,
    waiting: Vec<Vec<String>>,
    drawing: Drawing,
}

impl<'a> Range<'a> {
    const BLOCK: usize = 1000;

    pub fn new(look: &'a Look, view: View) -> Self {
        let columns: &[&str] = match view {
            View::CountOnly => &["COUNT"],
            View::KeysOnly => &["KEY", "CREATEREVISION", "MODREVISION", "VERSION", "LEASE"],
            View::Pairs | View::ValuesOnly => &PAIR,
        };
        Self { look, view, waiting: Vec::new(), drawing: Drawing::new(columns) }
    }

    pub fn pairs(&mut self, pairs: &[Pair], out: &mut dyn Write) -> Result<()> {
        for one in pairs {
            let mut row = pair(one, self.look);
            if self.view == View::KeysOnly {
                row.remove(4);
            }
            self.waiting.push(row);
            if self.waiting.len() == Self::BLOCK {
                self.drawing.block(std::mem::take(&mut self.waiting), out)?;
            }
        }
        Ok(())
    }

    pub fn end(mut self, tail: Tail, out: &mut dyn Write) -> Result<()> {
        if self.view == View::CountOnly {
            self.waiting.push(vec![tail.count.to_string()]);
        }
        self.drawing.block(self.waiting, out)?;
        self.drawing.end(out)
    }

    pub fn cut(mut self, out: &mut dyn Write) -> Result<()> {
        self.drawing.block(self.waiting, out)
    }
}

fn header(header: Option<&Header>, look: &Look) -> Vec<String> {
    let header = header.copied().unwrap_or_default();
    let id = |id: u64| if look.hex { format!("{id:x}") } else { id.to_string() };
    vec![
        id(header.cluster_id),
        id(header.member_id),
        header.revision.to_string(),
        header.raft_term.to_string(),
    ]
}

fn pair(pair: &Pair, look: &Look) -> Vec<String> {
    vec![
        escape::cell(&pair.key, look),
        pair.create_revision.to_string(),
        pair.mod_revision.to_string(),
        pair.version.to_string(),
        escape::cell(&pair.value, look),
        if look.hex { format!("{:016x}", pair.lease) } else { pair.lease.to_string() },
    ]
}

/// A table on its way to the reader.
pub(super) struct Drawing {
    columns: Vec<String>,
    widths: Vec<u16>,
    begun: bool,
    rows: bool,
}

impl Drawing {
    pub(super) fn new(columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Self { columns, widths: Vec::new(), begun: false, rows: false }
    }

    /// Rows, with the heading above the first ones.
    pub(super) fn block(&mut self, rows: Vec<Vec<String>>, out: &mut dyn Write) -> Result<()> {
        if self.begun && rows.is_empty() {
            return Ok(());
        }
        self.rows |= !rows.is_empty();
        let mut table = self.table();
        table.add_rows(rows);
        self.settle(&mut table);
        // The heading counts towards the widths of every block, and is drawn above the first.
        let heading = if table.row_count() == 0 { 2 } else { 3 };
        let skipped = if self.begun { heading } else { 0 };
        self.begun = true;
        let lines: Vec<String> = table.lines().collect();
        let kept = lines.len().saturating_sub(1);
        for line in lines.iter().take(kept).skip(skipped) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    /// The line below the last row.
    pub(super) fn end(mut self, out: &mut dyn Write) -> Result<()> {
        let mut table = self.table();
        self.settle(&mut table);
        if let Some(line) = table.lines().last() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn table(&self) -> Table {
        const RULE: LineStyle = LineStyle::new('├', '─', '┼', '┤');
        const STYLE: TableStyle = TableStyle::new()
            .top_border(LineStyle::new('┌', '─', '┬', '┐'))
            .header_lines(ContentLineStyle::new('│', '│', '│'))
            .content_lines(ContentLineStyle::new('│', '│', '│'))
            .bottom_border(LineStyle::new('└', '─', '┴', '┘'));
        let mut table = Table::new();
        let style = if self.rows { STYLE.header_separator(RULE) } else { STYLE };
        table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(Row::from(self.columns.clone()));
        table
    }

    /// Fixes the widths, pads the heading to its middle and aligns the cells right.
    fn settle(&mut self, table: &mut Table) {
        let wanted = table.column_max_content_widths();
        self.widths.resize(wanted.len(), 0);
        for (width, wanted) in self.widths.iter_mut().zip(wanted) {
            *width = (*width).max(wanted);
        }
        let heading = self.columns.iter().zip(&self.widths).map(|(name, &width)| {
            let blanks = usize::from(width).saturating_sub(name.chars().count());
            // An odd blank goes to the right.
            format!("{}{name}{}", " ".repeat(blanks / 2), " ".repeat(blanks - blanks / 2))
        });
        table.set_header(Row::from(heading.collect::<Vec<_>>()));
        for (column, &width) in table.column_iter_mut().zip(&self.widths) {
            column.set_cell_alignment(CellAlignment::Right);
            // A constraint counts the padding.
            let whole = width.saturating_add(2);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(whole)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(blocks: &[&[[&str; 2]]]) -> String {
        let mut out = Vec::new();
        let mut drawing = Drawing::new(&["NAME", "ID"]);
        for rows in blocks {
            let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
            drawing.block(rows, &mut out).unwrap();
        }
        drawing.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn blocks_join_into_one_table() {
        let expected = "\
┌─────────┬────┐
│  NAME   │ ID │
├─────────┼────┤
│ abcdefg │  1 │
│       b │ 22 │
└─────────┴────┘
";
        assert_eq!(drawn(&[&[["abcdefg", "1"], ["b", "22"]]]), expected);
        assert_eq!(drawn(&[&[["abcdefg", "1"]], &[["b", "22"]]]), expected);
    }

    #[test]
    fn a_table_without_rows_has_no_rule() {
        let expected = "\
┌──────┬────┐
│ NAME │ ID │
└──────┴────┘
";
        assert_eq!(drawn(&[&[]]), expected);
    }
}
