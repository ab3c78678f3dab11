//! Servers in processes of their own, on a core of their own where there are two.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program again in another role; it prints its address as the first line.
    pub(crate) fn of_this_program(
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut child = on_core(0, program.as_ref())
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Server { child, address })
    }

    /// Starts another program, which is told its port, and waits until it accepts connections.
    #[allow(dead_code)] // one benchmark uses it
    pub(crate) fn of_command(command: Command) -> io::Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let program = command.get_program().to_owned();
        let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let child = on_core(0, &program)
            .args(command.get_args())
            .envs(set)
            .env("PORT", address.port().to_string())
            .env("INNGEST_DEV", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Server { child, address };
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(address).is_err() {
            if Instant::now() > until || server.child.try_wait()?.is_some() {
                let program = program.display();
                return Err(io::Error::other(format!("{program} does not serve")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// The processor time that it has used, user and system.
    #[allow(dead_code)] // one benchmark uses it
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        // proc(5): the fields behind the name, which stands in parentheses, begin with the third; ticks
        // are hundredths of a second on Linux.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks: Vec<u64> = fields.skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
        Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
    }

    /// The memory that it has in use, in KiB.
    #[allow(dead_code)] // one benchmark uses it
    pub(crate) fn resident_kib(&self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Moves this process away from the servers.
pub(crate) fn move_to_core(core: usize) {
    if pins() {
        let (core, own) = (core.to_string(), std::process::id().to_string());
        let mut tool = Command::new("taskset");
        let _ = tool.args(["-p", "-c", &core, &own]).stdout(Stdio::null()).status();
    }
}

fn on_core(core: usize, program: &std::ffi::OsStr) -> Command {
    if !pins() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// Whether there is a second core, and the tool to choose it.
pub(crate) fn pins() -> bool {
    static PINS: std::sync::LazyLock<bool> = std::sync::LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let tool = Command::new("taskset").arg("--version").stdout(Stdio::null()).status();
        cores > 1 && tool.is_ok()
    });
    *PINS
}
