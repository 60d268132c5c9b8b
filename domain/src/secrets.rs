//! Secrets that must be shown to others again, such as a carrier's password: sealed at rest with XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03), whose nonce is long enough to be drawn at random.
//!
//! A keyring has one or more keys of 32 bytes: the first seals, all open. A sealed text names its key and carries its
//! nonce: `v1.<key>.<nonce>.<data>`, each in hexadecimal. So a key is changed by putting the new one first, sealing
//! everything anew ([`crate::carriers::seal_all`]), and taking the old one away.
//!
//! The same keys sign what must be known again when it comes from outside, such as a call-back's address.
//!
//! Invariants: a sealed text opens only for what it was sealed for (`about`), so that a row's secret is of no use in
//! another row; neither keys nor secrets are shown by `Debug`.

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    ids,
};

/// The keys of this process.
#[derive(Clone, Default)]
pub struct Keyring(Vec<Key>);

#[derive(Clone)]
struct Key {
    /// The beginning of the SHA-256 of the key, in hexadecimal.
    id: String,
    cipher: XChaCha20Poly1305,
    /// For signatures: a key of its own, derived from the key.
    signing: [u8; 32],
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|k| &k.id)).finish()
    }
}

impl Key {
    fn mac(&self, about: &str) -> Result<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.signing).map_err(|e| Error::internal(e.to_string()))?;
        Ok(mac.chain_update(about))
    }
}

impl Keyring {
    /// Reads keys of 64 hexadecimal digits, separated by commas or white space; the first seals.
    ///
    /// # Errors
    /// A sentence when a key cannot be read; it does not quote the key.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|w| !w.is_empty());
        let keys = words.zip(1..).map(|(word, place)| {
            let bytes = unhex(word).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let bytes = bytes.ok_or_else(|| format!("secret key {place} is not 64 hexadecimal digits"))?;
            let id = hex(Sha256::digest(bytes).get(..4).unwrap_or_default());
            let signing = Sha256::new().chain_update(b"carillon signing").chain_update(bytes).finalize().into();
            Ok(Key { id, cipher: XChaCha20Poly1305::new(&bytes.into()), signing })
        });
        keys.collect::<std::result::Result<Vec<_>, _>>().map(Self)
    }

    /// The text of a new key.
    pub fn generate() -> String {
        let mut bytes = [0u8; 32];
        ids::fill_random(&mut bytes);
        hex(&bytes)
    }

    /// Seals `secret` with the first key; it opens for the same `about` only.
    ///
    /// # Errors
    /// Internal without a key.
    pub fn seal(&self, about: &str, secret: &str) -> Result<String> {
        let Key { id, cipher, .. } =
            self.0.first().ok_or_else(|| Error::internal("there is no key to seal secrets with"))?;
        let mut nonce = [0u8; 24];
        ids::fill_random(&mut nonce);
        let payload = Payload { msg: secret.as_bytes(), aad: about.as_bytes() };
        let data = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|e| Error::internal(e.to_string()))?;
        Ok(format!("v1.{id}.{}.{}", hex(&nonce), hex(&data)))
    }

    /// Opens what [`Keyring::seal`] sealed for the same `about`.
    ///
    /// # Errors
    /// Internal when the key is not in this keyring, or the text was sealed for something else or was changed.
    pub fn open(&self, about: &str, sealed: &str) -> Result<String> {
        let broken =
            || Error::internal(format!("the secret of {about} cannot be opened: it was changed, or is another's"));
        let mut fields = sealed.split('.');
        let (Some("v1"), Some(key), Some(nonce), Some(data), None) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(broken());
        };
        let Key { cipher, .. } = self.0.iter().find(|k| k.id == key).ok_or_else(|| {
            Error::internal(format!(
                "the secret of {about} is sealed with the key {key}, which this process does not have: give every process the same secret_keys"
            ))
        })?;
        let nonce = unhex(nonce).and_then(|n| <[u8; 24]>::try_from(n).ok()).ok_or_else(broken)?;
        let data = unhex(data).ok_or_else(broken)?;
        let payload = Payload { msg: data.as_slice(), aad: about.as_bytes() };
        let plain = cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| broken())?;
        String::from_utf8(plain).map_err(|_| broken())
    }

    /// Signs `about` with the first key (HMAC-SHA-256, RFC 2104): 64 hexadecimal digits.
    ///
    /// # Errors
    /// Internal without a key.
    pub fn sign(&self, about: &str) -> Result<String> {
        let key = self.0.first().ok_or_else(|| Error::internal("there is no key to sign with"))?;
        Ok(hex(&key.mac(about)?.finalize().into_bytes()))
    }

    /// Whether one of the keys has signed `about` so; compared in constant time.
    pub fn verifies(&self, about: &str, signature: &str) -> bool {
        let Some(signature) = unhex(signature) else { return false };
        self.0.iter().any(|key| key.mac(about).is_ok_and(|mac| mac.verify_slice(&signature).is_ok()))
    }

    /// Whether `sealed` is sealed with the first key.
    pub fn is_current(&self, sealed: &str) -> bool {
        self.0.first().is_some_and(|key| sealed.split('.').nth(1) == Some(key.id.as_str()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_purpose_with_its_own_key_only() {
        let (first, second) = (Keyring::generate(), Keyring::generate());
        let ring = Keyring::parse(&first).unwrap();
        let sealed = ring.seal("carrier a", "se cret\u{e9}").unwrap();
        assert_eq!(ring.open("carrier a", &sealed).unwrap(), "se cret\u{e9}");
        assert_ne!(ring.seal("carrier a", "se cret\u{e9}").unwrap(), sealed, "never the same nonce");
        assert!(ring.open("carrier b", &sealed).is_err());
        let other = Keyring::parse(&second).unwrap();
        assert!(other.open("carrier a", &sealed).unwrap_err().to_string().contains("does not have"));
        let (head, data) = sealed.rsplit_once('.').unwrap();
        let digit = if data.starts_with('0') { '1' } else { '0' };
        for broken in [
            format!("{head}.{digit}{}", &data[1..]),
            format!("{head}."),
            head.to_owned(),
            "x".to_owned(),
            sealed.replace("v1", "v2"),
        ] {
            assert!(ring.open("carrier a", &broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_own_text_and_keys() {
        let (old, new) = (Keyring::generate(), Keyring::generate());
        let ring = Keyring::parse(&old).unwrap();
        let signature = ring.sign("a").unwrap();
        assert_eq!(signature.len(), 64);
        assert!(ring.verifies("a", &signature) && !ring.verifies("b", &signature));
        assert!(Keyring::parse(&format!("{new},{old}")).unwrap().verifies("a", &signature), "while keys are changed");
        assert!(!Keyring::parse(&new).unwrap().verifies("a", &signature));
        for wrong in ["", "x", &signature[..62], &signature.replace(|c: char| c.is_ascii_digit(), "a")] {
            assert!(!ring.verifies("a", wrong), "{wrong}");
        }
        assert!(Keyring::default().sign("a").is_err() && !Keyring::default().verifies("a", &signature));
    }

    #[test]
    fn keys_are_changed_one_by_one() {
        let (old, new) = (Keyring::generate(), Keyring::generate());
        let sealed = Keyring::parse(&old).unwrap().seal("a", "b").unwrap();
        let both = Keyring::parse(&format!("{new},\n {old}")).unwrap();
        assert_eq!(both.open("a", &sealed).unwrap(), "b");
        assert!(!both.is_current(&sealed));
        let again = both.seal("a", "b").unwrap();
        assert!(both.is_current(&again));
        assert_eq!(Keyring::parse(&new).unwrap().open("a", &again).unwrap(), "b");
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        let short = "0123";
        let error = Keyring::parse(&format!("{},{short}", Keyring::generate())).unwrap_err();
        assert!(error.contains("key 2") && !error.contains(short), "{error}");
        assert!(Keyring::parse(&"g".repeat(64)).is_err());
        assert!(Keyring::parse("").unwrap().seal("a", "b").is_err());
        let key = Keyring::generate();
        assert!(!format!("{:?}", Keyring::parse(&key).unwrap()).contains(&key));
    }
}
