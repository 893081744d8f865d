//! SSH servers of a test's own: on a port that is free, with keys and a configuration that nobody else has.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::run::is_root;
use crate::test_dir::TestDir;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns where OpenSSH has its SFTP server, which speaks on its standard input and output.
///
/// # Errors
///
/// Says that there is none; hand it to [`skip`](crate::skip).
pub fn sftp_server() -> Result<PathBuf, String> {
    let places =
        ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];
    let found = places.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_owned).ok_or_else(|| "no sftp-server is installed".to_owned())
}

/// What is wrong with a server, or with who asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The client knows the server by another key.
    WrongHostKey,
    /// The server does not know the client's key.
    Refused,
    /// The server has no SFTP.
    NoSubsystem,
}

impl Flaw {
    /// Those that end each connection, with what the error of it says.
    pub const FATAL: [(Self, &str); 3] = [
        (Self::WrongHostKey, "Host key verification failed"),
        (Self::Refused, "Permission denied"),
        (Self::NoSubsystem, "subsystem request failed"),
    ];
}

/// An SSH server on this machine that runs until dropped.
#[derive(Debug)]
pub struct Sshd {
    server: Child,
    directory: TestDir,
    port: u16,
}

impl Sshd {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// Says why that cannot be done here; hand it to [`skip`](crate::skip).
    pub fn start(flaw: Flaw) -> Result<Self, String> {
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|path| Path::new(path).exists());
        let sshd = sshd.ok_or("no sshd is installed")?;
        if is_root() {
            // Where Debian's starts from, and a system that was never booted has no such place.
            fs::create_dir_all("/run/sshd").map_err(|error| error.to_string())?;
        }
        let directory = TestDir::new();
        for key in ["host", "other", "client", "stranger"] {
            make_key(&directory.join(key))?;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        drop(listener);
        write_configuration(&directory, port, flaw);
        let log = fs::File::create(directory.join("log")).map_err(|error| error.to_string())?;
        let mut command = Command::new(sshd);
        command.arg("-D").arg("-e").arg("-f").arg(directory.join("server.conf"));
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let server = server.map_err(|error| error.to_string())?;
        let mut sshd = Self { server, directory, port };
        sshd.wait_until_it_answers().map(|()| sshd)
    }

    /// The configuration file of a client that calls the server `far`.
    #[must_use]
    pub fn client_configuration(&self) -> PathBuf {
        self.directory.join("client.conf")
    }

    /// The program, with its arguments, that leads to SFTP on it.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let configuration = self.client_configuration().display().to_string();
        ["ssh", "-F", &configuration, "-oBatchMode=yes", "-s", "--", "far", "sftp"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Makes a directory with a program `ssh` that uses the client's configuration, to be put first in `PATH`.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    #[must_use]
    pub fn directory_with_ssh(&self) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = self.directory.join("bin");
        fs::create_dir_all(&directory).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let script = format!(
            "#!/bin/sh\nPATH='{path}'\nexec ssh -F '{}' \"$@\"\n",
            self.client_configuration().display()
        );
        fs::write(directory.join("ssh"), script).unwrap();
        fs::set_permissions(directory.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        directory
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            let ended = self.server.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                return Err(format!("sshd does not answer: {log}"));
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn make_key(path: &Path) -> Result<(), String> {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path);
    match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("no ssh-keygen is installed".to_owned()),
        Err(error) => Err(error.to_string()),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn write_configuration(directory: &TestDir, port: u16, flaw: Flaw) {
    let at = |name: &str| directory.join(name).display().to_string();
    let key = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    fs::write(at("authorized_keys"), key(if flaw == Flaw::Refused { "stranger.pub" } else { "client.pub" }))
        .unwrap();
    let host = key(if flaw == Flaw::WrongHostKey { "other.pub" } else { "host.pub" });
    fs::write(at("known_hosts"), format!("[127.0.0.1]:{port} {host}")).unwrap();
    let subsystem = if flaw == Flaw::NoSubsystem { "" } else { "Subsystem sftp internal-sftp\n" };
    let server = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
         PidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
         MaxStartups 100\n{subsystem}",
        at("host"),
        at("authorized_keys"),
    );
    fs::write(at("server.conf"), server).unwrap();
    let client = format!(
        "Host far\nHostName 127.0.0.1\nPort {port}\nIdentityFile {}\nIdentitiesOnly yes\nIdentityAgent none\n\
         UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n\
         PasswordAuthentication no\nConnectTimeout 20\n",
        at("client"),
        at("known_hosts"),
    );
    fs::write(at("client.conf"), client).unwrap();
}
