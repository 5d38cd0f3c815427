package postgres_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	process "os/exec"
	"strings"
	"testing"

	"parley/events/eventstest"
)

// natsEnv has a child of the tests be a NATS server: its folder and its port.
const natsEnv = "PARLEY_TEST_NATS"

// serveNATS is what that child does until its parent ends. It says its port.
func serveNATS() error {
	var dir string
	var port int
	if _, err := fmt.Sscan(os.Getenv(natsEnv), &dir, &port); err != nil {
		return err
	}
	running, err := eventstest.Serve(dir, port)
	if err != nil {
		return err
	}
	fmt.Println(strings.TrimPrefix(running.ClientURL(), "nats://"))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// killable is a NATS server in a process of its own: it can be killed as by
// kill -9 and comes back on the same store, at the same address.
type killable struct {
	t     *testing.T
	dir   string
	host  string // with port; empty before the first start
	child *process.Cmd
}

func startKillable(t *testing.T) *killable {
	t.Helper()
	k := &killable{t: t, dir: t.TempDir()}
	k.start()
	t.Cleanup(k.kill)
	return k
}

func (k *killable) start() {
	k.t.Helper()
	port := "-1" // any
	if k.host != "" {
		port = k.host[strings.LastIndex(k.host, ":")+1:]
	}
	k.child = process.Command(os.Args[0])
	k.child.Env = append(os.Environ(), natsEnv+"="+k.dir+" "+port)
	k.child.Stderr = os.Stderr
	if _, err := k.child.StdinPipe(); err != nil { // ends with us, and the child with it
		k.t.Fatal(err)
	}
	said, err := k.child.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.child.Start(); err != nil {
		k.t.Fatal(err)
	}
	host, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		k.t.Fatalf("the nats server did not start: %v", err)
	}
	k.host = strings.TrimSpace(host)
}

func (k *killable) kill() {
	if err := k.child.Process.Kill(); err != nil {
		k.t.Errorf("kill the nats server: %v", err)
	}
	if err := k.child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		k.t.Errorf("the nats server ended by itself: %v", err)
	}
}
