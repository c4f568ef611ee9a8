//! Visitors' tokens: which channel, which visitor, and the proof that we wrote it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use colloquy_entity::ChannelId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::Visitor;
use crate::error::Result;
use crate::secrets::proof;

/// In front of it: an employee's token is told from it at a glance.
const PREFIX: &str = "cqv_";
/// A UUID's bytes.
const ID: usize = 16;
/// HMAC-SHA256's.
const PROOF: usize = 32;

/// A token whose proof was not looked at yet.
pub(super) struct Unproven {
    visitor: Visitor,
    proof: [u8; PROOF],
}

impl Unproven {
    /// Whom it says to stand for: good for finding the key, and for nothing else.
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The visitor, if the key signed this. Takes the same time for every wrong proof.
    pub fn prove(self, key: &[u8]) -> Result<Option<Visitor>> {
        let right = proof(key, &signed(&self.visitor))?;
        Ok(bool::from(right.ct_eq(&self.proof)).then_some(self.visitor))
    }
}

/// What is signed; no other signature by this key begins so.
fn signed(visitor: &Visitor) -> Vec<u8> {
    [b"visitor".as_slice(), visitor.channel.0.as_bytes(), visitor.id.as_bytes()].concat()
}

/// The token of a visitor.
pub(super) fn write(visitor: &Visitor, key: &[u8]) -> Result<String> {
    let proof = proof(key, &signed(visitor))?;
    let bytes = [visitor.channel.0.as_bytes().as_slice(), visitor.id.as_bytes(), &proof].concat();
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Reads what [`write`] wrote, and nothing else.
pub(super) fn read(token: &str) -> Option<Unproven> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
    let bytes: [u8; 2 * ID + PROOF] = bytes.try_into().ok()?;
    let (channel, rest) = bytes.split_at(ID);
    let (id, proof) = rest.split_at(ID);
    let visitor = Visitor { channel: ChannelId(Uuid::from_slice(channel).ok()?), id: Uuid::from_slice(id).ok()? };
    Some(Unproven { visitor, proof: proof.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_proves_its_visitor_to_its_own_key_alone() {
        let visitor = Visitor { channel: ChannelId::new(), id: Uuid::from_bytes([7; 16]) };
        let token = write(&visitor, b"key").unwrap();
        assert_eq!(read(&token).unwrap().prove(b"key").unwrap(), Some(visitor));
        assert_eq!(read(&token).unwrap().prove(b"another").unwrap(), None);
        // Any bit of it that is another makes it another's.
        let bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).unwrap();
        for place in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[place] ^= 1;
            let forged = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(forged));
            assert_eq!(read(&forged).unwrap().prove(b"key").unwrap(), None, "byte {place}");
        }
        for wrong in ["", PREFIX, &token[1..], &token[..token.len() - 2], &format!("{token}AA"), "cqv_!"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
