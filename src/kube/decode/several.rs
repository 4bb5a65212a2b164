//! Fields that hold several values: lists and maps, alone or in a message of their own.

use std::borrow::Cow;

use super::super::schema::{Element, Field, Shape};
use super::super::tree::{self, Members, Tree};
use super::super::wire::{self, Payload};
use super::{Walk, scalar};

impl<'a> Walk<'a, '_> {
    /// One item of a list, or several numbers packed into one field.
    pub(super) fn items(
        &mut self,
        element: Element,
        payload: Payload<'a>,
        depth: usize,
    ) -> Option<Tree<'a>> {
        let packable = scalar(element, 0).is_some();
        if let (true, Payload::Bytes(packed)) = (packable, payload) {
            let mut items = Vec::new();
            let mut rest = wire::fields(packed);
            while !rest.rest().is_empty() {
                match rest.varint() {
                    Ok(number) => items.extend(scalar(element, number)),
                    Err(err) => {
                        self.damaged(err, packed);
                        break;
                    }
                }
            }
            return Some(Tree::List(items));
        }
        self.one(element, payload, depth).map(|item| Tree::List(vec![item]))
    }

    pub(super) fn wrapped_list(
        &mut self,
        element: Element,
        payload: Payload<'a>,
        depth: usize,
    ) -> Option<Tree<'a>> {
        let Payload::Bytes(raw) = payload else { return None };
        let mut items = Vec::new();
        self.each(raw, |walk, number, payload| {
            let item = if number == 1 { walk.one(element, payload, depth + 1) } else { None };
            match item {
                Some(item) => items.push(item),
                None => walk.note(number, payload),
            }
        });
        Some(Tree::List(items))
    }

    pub(super) fn wrapped_map(
        &mut self,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
    ) -> Option<Tree<'a>> {
        let Payload::Bytes(raw) = payload else { return None };
        let mut entries = Vec::new();
        self.each(raw, |walk, number, payload| {
            let entry = if number == 1 { walk.entry(field, payload, depth + 1) } else { None };
            match entry {
                Some(entry) => entries.push(entry),
                None => walk.note(number, payload),
            }
        });
        settle(&mut entries);
        Some(Tree::Map(entries))
    }

    /// One entry of a map.
    pub(super) fn entry(
        &mut self,
        field: &'static Field,
        payload: Payload<'a>,
        depth: usize,
    ) -> Option<(Cow<'a, str>, Tree<'a>)> {
        let Payload::Bytes(raw) = payload else { return None };
        let mut key = Cow::Borrowed("");
        let mut value = None;
        self.each(raw, |walk, number, payload| match (number, payload) {
            (1, Payload::Bytes(bytes)) => key = tree::text(bytes),
            (2, _) => {
                value = if field.shape == Shape::MapOfWrappedLists {
                    walk.wrapped_list(field.element, payload, depth + 1)
                } else {
                    walk.one(field.element, payload, depth + 1)
                };
                if value.is_none() {
                    walk.note(number, payload);
                }
            }
            _ => walk.note(number, payload),
        });
        let value = match value {
            Some(value) => value,
            None if field.shape == Shape::MapOfWrappedLists => Tree::Null,
            None => self.zero(field.element, depth),
        };
        Some((key, value))
    }

    /// What an entry without a value holds.
    fn zero(&mut self, element: Element, depth: usize) -> Tree<'a> {
        match element {
            Element::Text | Element::Bytes => Tree::text(""),
            Element::Message(id) => self.below(id, &[], depth + 1),
            Element::Float | Element::Double => Tree::Int(0),
            _ => scalar(element, 0).unwrap_or(Tree::Null),
        }
    }
}

/// Sorts a map's entries, as maps are printed; the last one of a key wins. Writers sort them already.
pub(super) fn settle(entries: &mut Members<'_>) {
    if !entries.is_sorted_by(|(one, _), (next, _)| one < next) {
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.reverse();
        entries.dedup_by(|(one, _), (kept, _)| one == kept);
        entries.reverse();
    }
}
