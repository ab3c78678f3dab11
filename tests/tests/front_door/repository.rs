//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the workspace is.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

/// The files of these extensions, with their path from the root, in order.
pub(crate) fn files(extensions: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(root(), extensions, &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, extensions: &[&str], files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            // `target` also where it has another name: cargo marks it.
            let built = path.join("CACHEDIR.TAG").exists();
            if !built && !["target", "node_modules", ".git"].contains(&name.as_ref()) {
                collect(&path, extensions, files);
            }
        } else if path.extension().is_some_and(|is| extensions.iter().any(|one| is == *one)) {
            let text = fs::read_to_string(&path).expect("text");
            files.push((relative(&path), text));
        }
    }
}

/// The path from the root, with slashes.
pub(crate) fn relative(path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root()).expect("in the repository").to_owned();
    path.to_string_lossy().replace('\\', "/")
}
