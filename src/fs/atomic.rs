//! Writing a file so that at every moment it is the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::at;

/// Writes a file so that whoever reads it, also after a crash of the machine, finds the old one or
/// the new one and never a part: into a file beside it, from there to the disk, and then under its
/// name. It keeps the permissions that it had; through a link it writes what that leads to.
///
/// # Errors
/// As the kernel says, naming the path. Then the old one is there, unless only the directory could
/// not be brought to the disk.
///
/// # Cancel safety
/// Dropped while it waits, it may be done all the same; never in part.
///
/// ```
/// greenroom::run(async |_system| {
///     # let path = std::env::temp_dir().join(format!("greenroom-atomic-{}", std::process::id()));
///     greenroom::fs::write_atomic(&path, "one").await?;
///     greenroom::fs::write_atomic(&path, "two").await?;
///     assert_eq!(greenroom::fs::read(&path).await?, b"two");
///     greenroom::fs::remove_file(&path).await
/// }).unwrap();
/// ```
pub async fn write_atomic(path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> io::Result<()> {
    let bytes = bytes.into();
    at(path, "write", move |path| replace(path, &bytes)).await
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Where nothing is yet, nothing can be followed.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&target).ok().map(|before| before.permissions());
    let (beside, mut file) = create_beside(&target, before.is_some())?;
    let renamed = fill(before, &mut file, bytes).and_then(|()| fs::rename(&beside, &target));
    if renamed.is_err() {
        // The first error is the one to tell; what is left here is in nobody's way.
        let _ = fs::remove_file(&beside);
    }
    renamed?;
    sync_directory(&target)
}

/// How many names are tried before somebody else must be at fault.
const TRIES: u32 = 1_000;

/// One that takes another's place is nobody else's to read until it has the other's mode.
fn create_beside(target: &Path, replaces: bool) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if replaces {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = replaces;
    let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    for number in 0..TRIES {
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{number}.new", std::process::id()));
        let beside = target.with_file_name(beside);
        match options.open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("{TRIES} files that were never finished are beside it; remove `.*.new`"),
    ))
}

fn fill(before: Option<fs::Permissions>, file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if let Some(before) = before {
        file.set_permissions(before)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// On Unix a new name is on the disk when its directory is.
fn sync_directory(target: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
