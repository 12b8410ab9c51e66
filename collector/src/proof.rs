//! Judges the proof of identity that `identify` was given: whether the customer is who the app says.
//!
//! Pure: the keys, the time and the nonce come in as arguments. A proof is a JWT of the app's own
//! backend (RFC 7519). A proof that is not accepted only makes the desk say "not verified".

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::limits::{IDENTITY_SECRET_BYTES_MIN, PROOF_AGE_MAX_MS, PROOF_LIFE_MAX_S, PROOF_SKEW_S};
use crate::secret::{hex, sha256};

/// The algorithm of a key. The key decides it; the header of a proof must agree and decides nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256: the collector holds only the public key.
    Es256,
    /// HMAC with SHA-256: backend and collector share a secret.
    Hs256,
}

impl KeyAlgorithm {
    /// Its name in a JWT, and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Es256, Self::Hs256].into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// A key that an app's backend signs proofs with.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityKey {
    /// The app.
    pub app: String,
    /// The algorithm it signs with.
    pub algorithm: KeyAlgorithm,
    /// The public key, as PEM, or the secret.
    pub material: Vec<u8>,
}

/// Why an identity key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a public key on P-256 as PEM.
    #[error(
        "failed to use the key: ES256 needs the public key of a P-256 pair, as PEM \
         (openssl ec -in private.pem -pubout)"
    )]
    NotEs256,
    /// A secret so short that it could be guessed.
    #[error("failed to use the key: HS256 needs a secret of at least 32 bytes (RFC 7518, 3.2)")]
    Short,
    /// A key of a pair, which others may know, instead of a secret.
    #[error(
        "failed to use the key: the file is PEM, but HS256 needs a secret; use --algorithm es256 for \
         a public key"
    )]
    NotASecret,
}

impl IdentityKey {
    /// Reads a key from a file's content. A line break at the end of a secret is not part of it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(app: String, algorithm: KeyAlgorithm, file: &[u8]) -> Result<Self, KeyError> {
        /// A point of P-256, uncompressed.
        const POINT_BYTES: usize = 65;
        let mut material = file;
        match algorithm {
            KeyAlgorithm::Es256 => {
                let key = DecodingKey::from_ec_pem(file).map_err(|_| KeyError::NotEs256)?;
                let point = key.try_get_as_bytes().map_err(|_| KeyError::NotEs256)?;
                if point.len() != POINT_BYTES {
                    return Err(KeyError::NotEs256);
                }
            }
            KeyAlgorithm::Hs256 => {
                material = material.strip_suffix(b"\n").unwrap_or(material);
                material = material.strip_suffix(b"\r").unwrap_or(material);
                if material.trim_ascii_start().starts_with(b"-----BEGIN") {
                    return Err(KeyError::NotASecret);
                }
                if material.len() < IDENTITY_SECRET_BYTES_MIN {
                    return Err(KeyError::Short);
                }
            }
        }
        Ok(Self { app, algorithm, material: material.to_vec() })
    }

    /// The key's public name, which reveals nothing of the key: eight bytes of its SHA-256.
    pub fn id(&self) -> String {
        let mut hashed = self.algorithm.as_str().as_bytes().to_vec();
        hashed.extend_from_slice(&self.material);
        hex(&sha256(&hashed)[..8])
    }
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentityKey({}, {})", self.app, self.algorithm.as_str())
    }
}

/// A proof that was presented, with everything it must match.
#[derive(Clone, Copy)]
pub struct PresentedProof<'a> {
    /// The JWT.
    pub proof: &'a str,
    /// The customer that the app named.
    pub customer: &'a str,
    /// The app of the write key.
    pub app: &'a str,
    /// When the app named them, by the collector's clock, in ms since the Unix epoch.
    pub at: i64,
    /// When the proof arrived, by the same clock.
    pub arrived_at: i64,
    /// The nonce of this installation: a proof that has a nonce must have this one.
    pub nonce: &'a str,
}

/// Why a proof is not accepted. No text reveals its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The app has no key here.
    #[error("the app has no identity key; add one with `identity-key add`")]
    NoKey,
    /// One of too many in an upload.
    #[error("the same upload holds too many newer proofs")]
    TooMany,
    /// Not a JWT with the claims it needs.
    #[error("it is no JWT with `sub`, `aud`, `iat` and `exp`")]
    Form,
    /// Signed with an algorithm that no key of the app has.
    #[error("its `alg` is not that of any identity key of this app (ES256, HS256)")]
    Algorithm,
    /// No key of the app signed this.
    #[error(
        "no identity key of this app signed it (an ES256 signature must be r and s, 64 bytes, not \
         DER)"
    )]
    Signature,
    /// Issued for another app.
    #[error("its `aud` is not this app")]
    Audience,
    /// About another customer.
    #[error("its `sub` is not the customer that the app named")]
    Subject,
    /// Valid for too long, or never.
    #[error("its `exp` is not within an hour after its `iat`")]
    Life,
    /// Not valid yet when the customer was named.
    #[error("it was not valid yet when the app named the customer")]
    Early,
    /// No longer valid when the customer was named.
    #[error("it had expired when the app named the customer")]
    Expired,
    /// Issued for another installation.
    #[error("its `nonce` is not that of this installation")]
    Nonce,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    iat: f64,
    exp: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Judges a proof by the keys of its app, as of the moment of `identify`; a proof that took more than
/// 24 hours to arrive, as of 24 hours before its arrival.
///
/// # Errors
/// The [`ProofError`].
pub fn judge(presented: &PresentedProof<'_>, keys: &[IdentityKey]) -> Result<(), ProofError> {
    let claims = signed(presented.proof, keys)?;
    let for_app = match &claims.aud {
        Audience::One(app) => app == presented.app,
        Audience::Several(apps) => apps.iter().any(|app| app == presented.app),
    };
    if !for_app {
        return Err(ProofError::Audience);
    }
    if claims.sub != presented.customer {
        return Err(ProofError::Subject);
    }
    let life = claims.exp - claims.iat;
    if !(life > 0.0 && life <= PROOF_LIFE_MAX_S) {
        return Err(ProofError::Life);
    }
    let at = presented.at.clamp(presented.arrived_at - PROOF_AGE_MAX_MS, presented.arrived_at);
    let at = at as f64 / 1_000.0;
    let from = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
    if at < from - PROOF_SKEW_S {
        return Err(ProofError::Early);
    }
    if at >= claims.exp + PROOF_SKEW_S {
        return Err(ProofError::Expired);
    }
    if claims.nonce.is_some_and(|nonce| nonce != presented.nonce) {
        return Err(ProofError::Nonce);
    }
    Ok(())
}

/// The claims of a proof that one of these keys signed.
fn signed(proof: &str, keys: &[IdentityKey]) -> Result<Claims, ProofError> {
    if keys.is_empty() {
        return Err(ProofError::NoKey);
    }
    let header = decode_header(proof).map_err(|_| ProofError::Form)?;
    // An extension that must be understood (RFC 7515, 4.1.11), and none is.
    if header.crit.is_some() {
        return Err(ProofError::Form);
    }
    let ours = keys.iter().any(|key| key.algorithm.as_str() == format!("{:?}", header.alg));
    let mut error = if ours { ProofError::Signature } else { ProofError::Algorithm };
    for key in keys {
        let (algorithm, key) = match key.algorithm {
            KeyAlgorithm::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(&key.material)),
            KeyAlgorithm::Hs256 => (Algorithm::HS256, Ok(DecodingKey::from_secret(&key.material))),
        };
        let Ok(key) = key else { continue };
        // Only signature and algorithm: `judge` checks the audience and the times.
        let mut only_signature = Validation::new(algorithm);
        only_signature.required_spec_claims.clear();
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        match decode::<Claims>(proof, &key, &only_signature) {
            Ok(decoded) => return Ok(decoded.claims),
            Err(failed) if matches!(failed.kind(), jsonwebtoken::errors::ErrorKind::Json(_)) => {
                error = ProofError::Form;
            }
            Err(_) => {}
        }
    }
    Err(error)
}
