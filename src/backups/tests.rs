use super::*;

use futures_util::StreamExt;
use tempfile::TempDir;

/// Copies so many bytes, or fails.
struct Source(Result<usize, CopyFailure>);

impl CopyDatabase for Source {
    fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |bytes| *bytes as u64)
    }

    fn copy_to(&self, file: &Path) -> Result<(), CopyFailure> {
        let content: Vec<u8> = (0..self.0.clone()?).map(|at| at as u8).collect();
        std::fs::write(file, content).map_err(|why| CopyFailure::Failed(why.to_string()))
    }
}

fn backups(source: Result<usize, CopyFailure>) -> (TempDir, Backups) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let backups = Backups::new(Some(Arc::new(Source(source))), folder.path());
    (folder, backups.expect("an empty folder"))
}

#[tokio::test]
async fn a_backup_is_sealed_and_gone_when_it_was_taken() {
    let (folder, backups) = backups(Ok(limits::FILE_CHUNK_BYTES + 3));
    let backup = backups.make().await.expect("a backup");
    let announced = backup.bytes();
    assert!(matches!(backups.make().await, Err(NoBackup::UnderWay)));
    let mut taken = Vec::new();
    let mut chunks = Box::pin(backup.into_chunks());
    while let Some(chunk) = chunks.next().await {
        taken.extend_from_slice(&chunk.expect("a readable file"));
    }
    assert_eq!(taken.len() as u64, announced);
    let (content, end) = taken.split_at(taken.len() - SEAL_BYTES);
    let mut sealing = Sealing::default();
    sealing.add(content);
    assert_eq!(sealing.end().check(end), Ok(()));
    drop(chunks);
    assert!(!folder.path().join(FOLDER).exists());
    assert!(backups.make().await.is_ok(), "the place is free again");
}

#[tokio::test]
async fn one_that_nobody_takes_or_that_fails_leaves_nothing() {
    let (folder, one) = backups(Ok(7));
    drop(one.make().await.expect("a backup"));
    assert!(!folder.path().join(FOLDER).exists());
    let full = CopyFailure::Full("database or disk is full".to_owned());
    let (folder, other) = backups(Err(full.clone()));
    for _ in 0..2 {
        let failed = other.make().await.map(drop);
        assert!(matches!(failed, Err(NoBackup::Failed(why)) if why == full));
        assert!(!folder.path().join(FOLDER).exists());
    }
}

#[tokio::test]
async fn what_a_crash_has_left_goes_with_the_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let left = folder.path().join(FOLDER);
    std::fs::create_dir(&left).expect("a writable folder");
    std::fs::write(left.join(COPY), "half").expect("a writable folder");
    let backups = Backups::new(None, folder.path()).expect("a writable folder");
    assert!(!left.exists());
    assert!(matches!(backups.make().await, Err(NoBackup::OwnTools)));
}
