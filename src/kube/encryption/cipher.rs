//! The ciphers of the providers. `None` is a wrong key, or a damaged value: nothing tells them apart.

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, StreamCipher};
use poly1305::Poly1305;
use salsa20::XSalsa20;
use zeroize::{Zeroize, Zeroizing};

use super::Opened;

const AES_BLOCK: usize = 16;
const GCM_NONCE: usize = 12;
const GCM_TAG: usize = 16;
const SECRETBOX_NONCE: usize = 24;
const SECRETBOX_TAG: usize = 16;

/// AES in CBC mode with PKCS#7 padding: the initialization vector, then the blocks.
pub fn aes_cbc(key: &[u8], body: &[u8]) -> Option<Opened> {
    let (iv, blocks) = body.split_at_checked(AES_BLOCK)?;
    let mut text = Zeroizing::new(blocks.to_vec());
    let length = match key.len() {
        16 => unpadded(cbc::Decryptor::<Aes128>::new_from_slices(key, iv).ok()?, &mut text),
        24 => unpadded(cbc::Decryptor::<Aes192>::new_from_slices(key, iv).ok()?, &mut text),
        32 => unpadded(cbc::Decryptor::<Aes256>::new_from_slices(key, iv).ok()?, &mut text),
        _ => None,
    }?;
    text[length..].zeroize();
    text.truncate(length);
    Some(text)
}

fn unpadded(decryptor: impl BlockModeDecrypt, text: &mut [u8]) -> Option<usize> {
    decryptor.decrypt_padded::<Pkcs7>(text).ok().map(<[u8]>::len)
}

/// AES-GCM: the nonce, the text, the tag.
pub fn aes_gcm(key: &[u8], body: &[u8], bound_to: &[u8]) -> Option<Opened> {
    match key.len() {
        16 => gcm::<AesGcm<Aes128, U12>>(key, body, bound_to),
        24 => gcm::<AesGcm<Aes192, U12>>(key, body, bound_to),
        32 => gcm::<AesGcm<Aes256, U12>>(key, body, bound_to),
        _ => None,
    }
}

fn gcm<C: AeadInOut + KeyInit>(key: &[u8], body: &[u8], bound_to: &[u8]) -> Option<Opened> {
    let (nonce, sealed) = body.split_at_checked(GCM_NONCE)?;
    if sealed.len() < GCM_TAG {
        return None;
    }
    let mut text = Zeroizing::new(sealed.to_vec());
    let cipher = C::new_from_slice(key).ok()?;
    cipher.decrypt_in_place(nonce.try_into().ok()?, bound_to, &mut *text).ok()?;
    Some(text)
}

/// XSalsa20-Poly1305 as `NaCl`'s secretbox: the nonce, the tag, the text.
pub fn secretbox(key: &[u8], body: &[u8]) -> Option<Opened> {
    let (nonce, sealed) = body.split_at_checked(SECRETBOX_NONCE)?;
    let (tag, sealed) = sealed.split_at_checked(SECRETBOX_TAG)?;
    let mut stream = XSalsa20::new_from_slices(key, nonce).ok()?;
    // The first 32 bytes of the stream are the key of the tag.
    let mut tag_key = Zeroizing::new([0; 32]);
    stream.apply_keystream(&mut *tag_key);
    let found = Poly1305::new((&*tag_key).into()).compute_unpadded(sealed);
    let expected: &poly1305::Tag = tag.try_into().ok()?;
    if !same(&found, expected) {
        return None;
    }
    let mut text = Zeroizing::new(sealed.to_vec());
    stream.apply_keystream(&mut text);
    Some(text)
}

/// Compares in the same time whatever the bytes are.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
