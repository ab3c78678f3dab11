//! Keys are gone from memory when they are dropped: a process is looked into from outside.
//!
//! The parent makes two secrets and hands them, masked, to a child. The child makes a keyset of one, seals and
//! opens the other with it, and drops what it opened and the keyset. Before and after the drop the parent searches the child's heap. The stack is not
//! searched: moving a value there leaves copies, as the language does with every value.

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("child") => linux::child(),
        // `cargo test -- --list` and the like.
        Some("--list") => Ok(()),
        _ => linux::parent(),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: the memory of a process can be searched on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, read_to_string};
    use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use hookstack_encryption::{Context, Encryption, Key, Keyset, Origin};

    const MASK: u8 = 0xa5;

    pub(super) fn child() -> io::Result<()> {
        let secret = read_secret()?;
        let plaintext = read_secret()?;
        let keys = Keyset::builder()
            .primary(Key::from_bytes(secret))
            .reads(Key::from_bytes([1; 32]))
            .build()
            .map_err(io::Error::other)?;
        let context = Context::event("shop/order", "encrypted");
        let sealed = keys.seal(&context, &Origin::default(), &plaintext);
        let opened = keys.open(&context, &sealed.map_err(io::Error::other)?);
        let opened = opened.map_err(io::Error::other)?;
        let encryption = Encryption::new(keys);
        answer("in use")?;
        drop(opened);
        drop(encryption);
        answer("dropped")
    }

    /// On the stack, which is not searched.
    fn read_secret() -> io::Result<[u8; 32]> {
        let mut secret = [0; 32];
        for byte in &mut secret {
            let mut masked = [0];
            io::stdin().read_exact(&mut masked)?;
            *byte = masked[0] ^ MASK;
        }
        Ok(secret)
    }

    /// Tells the parent, and waits until it has looked.
    fn answer(state: &str) -> io::Result<()> {
        println!("{state}");
        io::stdin().read_exact(&mut [0])
    }

    pub(super) fn parent() -> io::Result<()> {
        let mut secrets = [[0; 32]; 2];
        secrets.iter_mut().try_for_each(|one| getrandom::fill(one)).map_err(io::Error::other)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        tell(&mut child, &secrets.concat().iter().map(|byte| byte ^ MASK).collect::<Vec<_>>())?;

        hear(&mut output, "in use")?;
        for (what, secret) in ["key", "plaintext"].into_iter().zip(&secrets) {
            let (found, searched) = occurrences(child.id(), secret)?;
            assert!(found > 0, "the search finds the {what} in use ({searched} bytes)");
            println!("the {what} stands {found} times in {searched} bytes while it is in use");
        }
        tell(&mut child, b".")?;

        hear(&mut output, "dropped")?;
        for (what, secret) in ["key", "plaintext"].into_iter().zip(&secrets) {
            let (found, searched) = occurrences(child.id(), secret)?;
            assert_eq!(found, 0, "the {what} is in the heap after the drop ({searched} bytes)");
        }
        tell(&mut child, b".")?;
        assert!(child.wait()?.success());
        Ok(())
    }

    fn tell(child: &mut Child, bytes: &[u8]) -> io::Result<()> {
        let input = child.stdin.as_mut().expect("a pipe");
        input.write_all(bytes)?;
        input.flush()
    }

    fn hear(output: &mut BufReader<ChildStdout>, state: &str) -> io::Result<()> {
        let mut line = String::new();
        output.read_line(&mut line)?;
        assert_eq!(line.trim(), state);
        Ok(())
    }

    /// How often the secret stands in writable memory but the stack, and how much that is.
    fn occurrences(process: u32, secret: &[u8]) -> io::Result<(usize, usize)> {
        let (mut found, mut searched) = (0, 0);
        let mut memory = File::open(format!("/proc/{process}/mem"))?;
        for line in read_to_string(format!("/proc/{process}/maps"))?.lines() {
            let mut columns = line.split_whitespace();
            let (range, permissions) = (columns.next(), columns.next());
            if !permissions.is_some_and(|text| text.starts_with("rw")) || line.ends_with("[stack]")
            {
                continue;
            }
            let ends = range.and_then(|range| range.split_once('-')).expect("a range");
            let end = |text| u64::from_str_radix(text, 16).map_err(io::Error::other);
            let (start, end) = (end(ends.0)?, end(ends.1)?);
            let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
            memory.seek(SeekFrom::Start(start))?;
            memory.read_exact(&mut bytes)?;
            found += bytes.windows(secret.len()).filter(|window| *window == secret).count();
            searched += bytes.len();
        }
        Ok((found, searched))
    }
}
