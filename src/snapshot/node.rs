//! A page of a tree being put together: a leaf's entries, or a branch's children.
//!
//! `page.rs` has the layout.

use super::page::{BRANCH, ELEMENT, HEADER, LEAF};

/// The most entries of a page.
const MOST: usize = 0xFFFE;

/// A page's entries, in the order of their keys.
pub struct Node {
    flags: u16,
    elements: Vec<Element>,
    data: Vec<u8>,
}

struct Element {
    flags: u32,
    child: u64,
    start: usize,
    key: usize,
    value: usize,
}

impl Node {
    #[must_use]
    pub fn leaf() -> Self {
        Self { flags: LEAF, elements: Vec::new(), data: Vec::new() }
    }

    #[must_use]
    pub fn branch() -> Self {
        Self { flags: BRANCH, elements: Vec::new(), data: Vec::new() }
    }

    pub fn push(&mut self, flags: u32, key: &[u8], value: &[u8]) {
        self.add(flags, 0, key, value);
    }

    pub fn push_child(&mut self, key: &[u8], child: u64) {
        self.add(0, child, key, &[]);
    }

    fn add(&mut self, flags: u32, child: u64, key: &[u8], value: &[u8]) {
        let start = self.data.len();
        self.elements.push(Element { flags, child, start, key: key.len(), value: value.len() });
        self.data.extend_from_slice(key);
        self.data.extend_from_slice(value);
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.elements.len() >= MOST
    }

    /// Bytes of the page, without what fills it up.
    #[must_use]
    pub fn size(&self) -> usize {
        HEADER + ELEMENT * self.elements.len() + self.data.len()
    }

    /// Likewise, with one entry more.
    #[must_use]
    pub fn size_with(&self, bytes: usize) -> usize {
        self.size() + ELEMENT + bytes
    }

    /// The first key; empty where there is none.
    #[must_use]
    pub fn first_key(&self) -> &[u8] {
        let length = self.elements.first().map_or(0, |element| element.key);
        self.data.get(..length).unwrap_or_default()
    }

    /// The only child of a branch that has no other.
    #[must_use]
    pub fn only_child(&self) -> Option<u64> {
        match self.elements.as_slice() {
            [only] if self.flags == BRANCH => Some(only.child),
            _ => None,
        }
    }

    /// Refers to another page with the last of its keys.
    pub fn set_last_child(&mut self, child: u64) {
        if let Some(last) = self.elements.last_mut() {
            last.child = child;
        }
    }

    pub fn clear(&mut self) {
        self.elements.clear();
        self.data.clear();
    }

    /// How many pages of a size it fills.
    #[must_use]
    pub fn pages(&self, page_size: u32) -> u64 {
        self.size().div_ceil(page_size as usize).max(1) as u64
    }

    /// The page in a file, filled up with zeros.
    pub fn encode(&self, id: u64, page_size: u32, out: &mut Vec<u8>) {
        let end = out.len() + self.size().next_multiple_of(page_size as usize);
        let overflow = self.pages(page_size) - 1;
        self.image(id, u32::try_from(overflow).unwrap_or(u32::MAX), out);
        out.resize(end, 0);
    }

    /// The page within a bucket's value.
    pub fn encode_inline(&self, out: &mut Vec<u8>) {
        self.image(0, 0, out);
    }

    fn image(&self, id: u64, overflow: u32, out: &mut Vec<u8>) {
        let count = self.elements.len();
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(&overflow.to_le_bytes());
        for (at, element) in self.elements.iter().enumerate() {
            let position = narrow(ELEMENT * (count - at) + element.start);
            let key = narrow(element.key);
            if self.flags == BRANCH {
                out.extend_from_slice(&position.to_le_bytes());
                out.extend_from_slice(&key.to_le_bytes());
                out.extend_from_slice(&element.child.to_le_bytes());
            } else {
                for number in [element.flags, position, key, narrow(element.value)] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
        out.extend_from_slice(&self.data);
    }
}

/// A number in a field of the page. bbolt's limits for keys and values keep it in range.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
