package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"parley"
)

// The test binary, started again with this variable set to a data folder, is an
// instance of its own: it says how to reach it, or why it failed, and runs
// until its input ends or it is killed.
const instanceVariable = "PARLEY_TEST_INSTANCE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(instanceVariable); dir != "" {
		os.Exit(runInstance(dir))
	}
	os.Exit(m.Run())
}

func runInstance(dir string) int {
	folder, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	connection, err := New(folder, configForTests()).Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(connection); err != nil {
		return 1
	}
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// startInstance starts another process on dir and returns it and its connection
// once it is ready.
func startInstance(t *testing.T, dir string) (*exec.Cmd, Connection) {
	t.Helper()
	cmd := instance(dir)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		cmd.Wait() // it may have been killed, as some tests do
	})
	var connection Connection
	if err := json.NewDecoder(output).Decode(&connection); err != nil {
		t.Fatalf("the instance did not start: %v", err)
	}
	return cmd, connection
}

func instance(dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), instanceVariable+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func configForTests() Config {
	return Config{
		NATSConf: parley.NATSConf,
		Origin:   "http://127.0.0.1:8080",
		Log:      slog.New(slog.DiscardHandler),
	}
}

// open takes dir for the test.
func open(t *testing.T, dir string) *Folder {
	t.Helper()
	folder, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// start runs the servers of dir until the test ends.
func start(t *testing.T, folder *Folder, config Config) (*Servers, Connection) {
	t.Helper()
	servers := New(folder, config)
	connection, err := servers.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, servers) })
	return servers, connection
}

func stop(t *testing.T, servers *Servers) {
	t.Helper()
	if err := servers.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
