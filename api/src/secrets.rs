//! Secrets: channel tokens encrypted at rest, bearer tokens kept as hashes only, passwords as Argon2id.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Nonce in front of what XChaCha20-Poly1305 encrypted.
const NONCE: usize = 24;

/// Keeps secrets.
pub struct Secrets {
    cipher: XChaCha20Poly1305,
    signing: Hmac<Sha256>,
    argon: Argon2<'static>,
    /// Each hashing takes 19 MiB and a core for a while: so many at a time, however many sign in at once.
    hashing: Arc<Semaphore>,
    /// Checked in place of the password of a user that does not exist: their sign-in takes as long as any.
    nobody: String,
}

impl Secrets {
    /// With the key of `SECRET_KEY`.
    pub fn new(key: &[u8; 32]) -> Result<Self> {
        // OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
        let params = Params::new(19 * 1024, 2, 1, None).map_err(Error::internal)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon, &random::<16>()?)?;
        // A key of its own, made from the one that there is.
        let signing = Sha256::digest([&b"signed addresses"[..], key].concat());
        Ok(Self {
            cipher: XChaCha20Poly1305::new(&(*key).into()),
            signing: Hmac::new_from_slice(&signing).map_err(Error::internal)?,
            argon,
            hashing: Arc::new(Semaphore::new(2)),
            nobody,
        })
    }

    /// Encrypts for the database.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = random::<NONCE>()?;
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), plain).map_err(Error::internal)?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts what [`Secrets::seal`] made with the same key.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(|| Error::internal("a sealed value is cut"))?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(Error::internal)?;
        let opened = self.cipher.decrypt(&XNonce::from(nonce), sealed);
        opened.map_err(|_| Error::internal("a sealed value does not open: was SECRET_KEY changed?"))
    }

    /// Hashes a password, off the async threads.
    pub async fn hash_password(&self, password: &str) -> Result<String> {
        let (argon, password) = (self.argon.clone(), password.to_owned());
        self.off_thread(move || hash(&argon, password.as_bytes())).await?
    }

    /// Whether it is the password. Without a hash, no; and it takes as long.
    pub async fn verify_password(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let (argon, password) = (self.argon.clone(), password.to_owned());
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let matches =
            self.off_thread(move || argon.verify_password(password.as_bytes(), hash.as_str()).is_ok()).await?;
        Ok(known && matches)
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.hashing).acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        done.await.map_err(Error::internal)
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8]) -> Result<String> {
    let hash: argon2::PasswordHash = argon.hash_password(password).map_err(Error::internal)?;
    Ok(hash.to_string())
}

impl Secrets {
    /// A signature over what a signed address gives and until when.
    pub fn sign(&self, what: &str, until: colloquy_entity::Time) -> String {
        let mut mac = self.signing.clone();
        mac.update(what.as_bytes());
        mac.update(&until.0.to_be_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether it is the signature, and still holds. Compared in constant time.
    pub fn verify_signature(&self, what: &str, until: colloquy_entity::Time, signature: &str) -> bool {
        use subtle::ConstantTimeEq;
        let right = self.sign(what, until);
        until > colloquy_entity::Time::now() && bool::from(right.as_bytes().ct_eq(signature.as_bytes()))
    }
}

/// What proves, to who knows the key, that they made this.
pub fn proof(key: &[u8], what: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
    mac.update(what);
    Ok(mac.finalize().into_bytes().into())
}

/// From the operating system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// A new bearer token: what it is for in front, then 256 random bits.
pub fn new_token(prefix: &str) -> Result<String> {
    Ok(format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// What is stored of a bearer token. It is as random as a key, so that no salt and no slow hash is needed; and to look
/// a hash up tells nothing by its timing about the token.
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Hexadecimal digits, lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
