//! Room passwords: hashed and checked on other threads, a few at a time.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use bridge_core::text::PasswordHash;
use bridge_core::{Reject, limits};

use crate::blocking::Blocking;

/// How dear a hash is. The defaults are OWASP's first choice for argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
        }
    }
}

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    cost: Params,
    blocking: Blocking,
}

impl Passwords {
    /// With a cost that argon2 accepts.
    ///
    /// # Errors
    /// When the cost is out of argon2's bounds.
    pub fn new(cost: Cost) -> Result<Self, String> {
        let cost = Params::new(cost.memory_kib, cost.passes, 1, None)
            .map_err(|why| format!("auth.password_memory_kib and auth.password_passes: {why}"))?;
        let (at_once, waiting) = (limits::PASSWORDS_AT_ONCE_MAX, limits::PASSWORDS_WAITING_MAX);
        let blocking = Blocking::new("passwords", at_once, waiting);
        Ok(Self { cost, blocking })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// When too many wait.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Reject> {
        let argon = self.argon();
        let hashed = self
            .blocking
            .run(move || argon.hash_password(password.as_bytes()))
            .await?;
        let phc = hashed.map_err(|why| Reject::Internal {
            detail: why.to_string(),
        })?;
        Ok(PasswordHash::new(&phc.to_string()))
    }

    /// Whether a password fits a hash.
    ///
    /// # Errors
    /// When too many wait.
    pub async fn fits(&self, password: String, hash: PasswordHash) -> Result<bool, Reject> {
        let argon = self.argon();
        self.blocking
            .run(move || {
                Phc::new(hash.as_str())
                    .is_ok_and(|phc| argon.verify_password(password.as_bytes(), &phc).is_ok())
            })
            .await
    }

    fn argon(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.cost.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new(Cost {
            memory_kib: 8,
            passes: 1,
        })
        .unwrap();
        let hash = passwords.hash("öffne dich 🗝".to_owned()).await.unwrap();
        let other = passwords.hash("öffne dich 🗝".to_owned()).await.unwrap();
        assert_ne!(hash, other, "salted");
        assert_eq!(
            passwords
                .fits("öffne dich 🗝".to_owned(), hash.clone())
                .await,
            Ok(true)
        );
        assert_eq!(
            passwords.fits("offne dich".to_owned(), hash).await,
            Ok(false)
        );
        let broken = PasswordHash::new("not a hash");
        assert_eq!(passwords.fits("x".to_owned(), broken).await, Ok(false));
    }

    #[test]
    fn a_senseless_cost_is_refused() {
        assert!(
            Passwords::new(Cost {
                memory_kib: 1,
                passes: 0
            })
            .is_err()
        );
    }
}
