package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestInheritedSockets: a connection that fsh is started with, as by inetd, is that
// connection and no other; a server that listens accepts; a socket that could be
// aimed at anybody is closed.
func TestInheritedSockets(t *testing.T) {
	require(t, "python3")
	dir := home(t)
	service := hostService(t, "host service")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	peer, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	lent, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer lent.Close()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	fileOf := func(c interface{ File() (*os.File, error) }) *os.File {
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	cmd := exec.Command(fshBinary(t), "-c", fmt.Sprintf(`/bin/true; exec python3 -c '
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def say(what, result): print(what, errno.errorcode[ctypes.get_errno()] if result < 0 else "done", flush=True)
try: os.fstat(4); print("datagrams")
except OSError as e: print("datagrams", errno.errorcode[e.errno], flush=True)
s = socket.socket(fileno=os.dup(0))
say("disconnect", libc.connect(0, bytes(16), 16))
to = b"\\2\\0" + (%d).to_bytes(2, "big") + b"\\x7f\\0\\0\\1" + bytes(8)
s.sendall(b"hello"); s.shutdown(socket.SHUT_WR); print("peer", s.recv(9).decode(), s.recv(9) == b"", flush=True)
say("elsewhere", libc.connect(0, to, 16))
say("fast open", libc.sendto(0, b"x", 1, socket.MSG_FASTOPEN, to, 16))
say("bind", libc.bind(0, bytes([2]) + bytes(15), 16))
say("listen", libc.listen(0, 1))
c, _ = socket.socket(fileno=3).accept(); c.sendall(b"accepted")
own = socket.socket(socket.AF_UNIX); own.bind("/tmp/own"); own.listen(); socket.socket(socket.AF_UNIX).connect("/tmp/own"); print("own")
' <&0`, service))
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.Stdin = fileOf(lent.(*net.TCPConn))
	cmd.ExtraFiles = []*os.File{fileOf(l.(*net.TCPListener)), fileOf(udp.(*net.UDPConn))}
	go func() {
		io.WriteString(peer, "welcome")
		_, _ = io.ReadAll(peer)
		peer.(*net.TCPConn).CloseWrite()
	}()
	lent.Close()
	got := outcomeOf(t, cmd)
	const want = "datagrams EBADF\ndisconnect EACCES\npeer welcome True\nelsewhere EACCES\nfast open ENOTSUP\nbind EACCES\nlisten EACCES\nown\n"
	if got.stdout != want {
		t.Errorf("%+v, want %s", got, want)
	}
	client.SetDeadline(time.Now().Add(time.Second))
	if text := make([]byte, 8); true {
		if n, err := io.ReadFull(client, text); string(text[:n]) != "accepted" {
			t.Errorf("a server that listens: %q %v", text[:n], err)
		}
	}
}
