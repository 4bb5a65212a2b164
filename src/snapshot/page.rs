//! One page of a database's trees, read with every number checked: a file may say anything.
//!
//! Layout (bbolt 1.5.0, `internal/common/page.go`), little-endian. Header: page id u64, flags u16, count u16,
//! overflow u32. Then an element of 16 bytes for each entry: in a leaf its flags, position, key length and
//! value length (u32 each); in a branch position and key length (u32), child (u64). Then keys and values,
//! each key's position counted from its own element.

/// Bytes before a page's elements, and of each of those.
pub const HEADER: usize = 16;
pub const ELEMENT: usize = 16;

pub const BRANCH: u16 = 0x01;
pub const LEAF: u16 = 0x02;

/// An element's flag: its value is a bucket.
pub const BUCKET: u32 = 0x01;

/// A page that is one of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    bytes: &'a [u8],
    /// Where it begins in the file.
    pub offset: u64,
    pub is_branch: bool,
    pub count: usize,
}

/// A leaf's element.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub flags: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
    /// Where the key begins in the file.
    pub offset: u64,
    /// Its page, and its place there.
    pub page: u64,
    pub index: u32,
}

/// How many pages follow a page's first one as its own.
#[must_use]
pub fn overflow(bytes: &[u8]) -> u32 {
    number(bytes, 12).unwrap_or_default()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

impl<'a> Page<'a> {
    /// The page in `bytes`, whole, that should be page `id`.
    ///
    /// # Errors
    /// What it is instead.
    pub fn new(bytes: &'a [u8], id: u64, offset: u64) -> Result<Self, String> {
        let own = bytes.first_chunk().map(|own| u64::from_le_bytes(*own));
        if own != Some(id) {
            return Err(format!("page {id} says that it is another"));
        }
        let (flags, count) = (short(bytes, 8), short(bytes, 10).unwrap_or_default());
        let is_branch = match flags {
            Some(BRANCH) => true,
            Some(LEAF) => false,
            _ => return Err(format!("page {id} is none of a tree")),
        };
        let count = usize::from(count);
        if HEADER + ELEMENT * count > bytes.len() {
            return Err(format!("page {id} has more elements than it holds"));
        }
        if is_branch && count == 0 {
            return Err(format!("page {id} has no children"));
        }
        Ok(Self { bytes, offset, is_branch, count })
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn slice(
        &self,
        element: usize,
        position: u32,
        length: usize,
    ) -> Result<(usize, &'a [u8]), String> {
        let start = element + position as usize;
        if start < HEADER + ELEMENT * self.count {
            return Err("an element's bytes are among the elements".into());
        }
        let found = self.bytes.get(start..).and_then(|bytes| bytes.get(..length));
        found.map(|found| (start, found)).ok_or_else(|| "an element is out of its page".into())
    }

    /// A leaf's element. `page` is what [`Row::page`] is to say.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn row(&self, index: usize, page: u64) -> Result<Row<'a>, String> {
        let element = HEADER + ELEMENT * index;
        let field = |at| number(self.bytes, element + at).unwrap_or_default();
        let (flags, position) = (field(0), field(4));
        let (key, value) = (field(8) as usize, field(12) as usize);
        if key == 0 {
            return Err("a key is empty".into());
        }
        let (start, both) = self.slice(element, position, key + value)?;
        let (key, value) = both.split_at_checked(key).unwrap_or((both, &[]));
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        Ok(Row { flags, key, value, offset: self.offset + start as u64, page, index })
    }

    /// A branch's element: a key that none below it is less than, and the page below it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn child(&self, index: usize) -> Result<(&'a [u8], u64), String> {
        let element = HEADER + ELEMENT * index;
        let field = |at| number(self.bytes, element + at).unwrap_or_default();
        let (_, key) = self.slice(element, field(0), field(4) as usize)?;
        Ok((key, u64::from(field(12)) << 32 | u64::from(field(8))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_any_bytes_gives_elements_or_an_error() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let mut bytes: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..4)).collect();
            if let Some(own) = bytes.first_chunk_mut::<8>() {
                *own = 0u64.to_le_bytes();
            }
            let Ok(page) = Page::new(&bytes, 0, 0) else { continue };
            for index in 0..page.count {
                let _ = (page.row(index, 0), page.child(index));
            }
        }
    }
}
