//! Names and paths as bytes, whatever the system keeps them as. Known to the rest of the library as `crate::native`.

#[cfg(unix)]
pub(crate) use std::os::unix::ffi::{OsStrExt, OsStringExt};

#[cfg(not(unix))]
pub(crate) use other::{OsStrExt, OsStringExt};

/// Systems whose names are text: bytes are its UTF-8. A name that is no text (a lone surrogate) has bytes that lead back
/// to no name: whoever asks for it by them finds nothing, and says so.
#[cfg(not(unix))]
mod other {
    use std::ffi::{OsStr, OsString};

    /// Stands for bytes that are no text. No name on such a system has a NUL or a separator in it.
    const NO_NAME: &str = "\u{fffd}\u{fffd}/\u{fffd}";

    pub(crate) trait OsStrExt {
        fn from_bytes(bytes: &[u8]) -> &Self;
        fn as_bytes(&self) -> &[u8];
    }

    impl OsStrExt for OsStr {
        fn from_bytes(bytes: &[u8]) -> &Self {
            Self::new(std::str::from_utf8(bytes).unwrap_or(NO_NAME))
        }

        fn as_bytes(&self) -> &[u8] {
            self.as_encoded_bytes()
        }
    }

    pub(crate) trait OsStringExt {
        fn from_vec(bytes: Vec<u8>) -> Self;
        fn into_vec(self) -> Vec<u8>;
    }

    impl OsStringExt for OsString {
        fn from_vec(bytes: Vec<u8>) -> Self {
            OsStr::from_bytes(&bytes).to_owned()
        }

        fn into_vec(self) -> Vec<u8> {
            self.into_encoded_bytes()
        }
    }
}
