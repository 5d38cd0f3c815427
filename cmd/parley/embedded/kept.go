package embedded

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// kept is what the servers of a data folder keep from start to start. Ports are
// kept so that an address that was handed out (a presigned URL) stays good.
type kept struct {
	NATS     keptServer `json:"nats"`
	Postgres keptServer `json:"postgres"`
	S3       keptServer `json:"s3"`
	// Elsewhere names those that the last start did not run itself.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// keptServer is one server's share. A port of 0 means: any that is free.
type keptServer struct {
	Port     int    `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// newKept makes fresh passwords. An S3 access key is not secret, but distinct.
func newKept() kept {
	return kept{
		NATS:     keptServer{User: "parley", Password: rand.Text()},
		Postgres: keptServer{User: "parley", Password: rand.Text()},
		S3:       keptServer{User: "parley" + rand.Text()[:14], Password: rand.Text()},
	}
}

func keptPath(folder string) string { return filepath.Join(folder, "servers.json") }

// loadKept reads what the last start kept, or begins afresh and saves that
// before anyone uses it.
func loadKept(folder string) (kept, error) {
	text, err := os.ReadFile(keptPath(folder))
	if errors.Is(err, fs.ErrNotExist) {
		fresh := newKept()
		return fresh, fresh.save(folder)
	}
	if err != nil {
		return kept{}, fmt.Errorf("read the servers' passwords: %w", err)
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return kept{}, fmt.Errorf("%s is damaged (%w); restore it, or delete it together with the postgres folder beside it",
			keptPath(folder), err)
	}
	return k, nil
}

func (k kept) save(folder string) error {
	if err := writeSecret(keptPath(folder), k); err != nil {
		return fmt.Errorf("keep the servers' passwords: %w", err)
	}
	return nil
}

// ErrNoDataFolder is returned by [Elsewhere] for a folder that no Parley used yet.
var ErrNoDataFolder = errors.New("this is no data folder of Parley")

// Elsewhere names the servers whose files are not in the data folder at path (nats,
// postgres, s3): those that the last start found configured elsewhere, and those
// whose folder is not there. It asks for no running instance.
// Errors: [ErrNoDataFolder].
func Elsewhere(path string) ([]string, error) {
	text, err := os.ReadFile(keptPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrNoDataFolder)
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(text, &k)
	}
	if err != nil {
		return nil, fmt.Errorf("read which servers data folder %s has: %w", path, err)
	}
	for _, server := range []string{"nats", "postgres", "s3"} {
		if slices.Contains(k.Elsewhere, server) {
			continue
		}
		if _, err := os.Stat(filepath.Join(path, server)); errors.Is(err, fs.ErrNotExist) {
			k.Elsewhere = append(k.Elsewhere, server)
		}
	}
	return k.Elsewhere, nil
}

// Ports are taken from below the range that systems hand out by themselves
// (Linux: from 32768), so that no outgoing connection sits on a kept one, or
// takes one between our look and the server's start.
const (
	firstPort = 20_000
	ports     = 12_000
	portTries = 100
)

// choosePort returns the kept port if it is still free, else another one.
func (s *keptServer) choosePort() error {
	port := s.Port
	for range portTries {
		if port > 0 {
			if listener, err := net.Listen("tcp", loopback(port)); err == nil {
				s.Port = port
				return listener.Close()
			}
		}
		port = firstPort + mathrand.IntN(ports)
	}
	return errors.New("no port is free on 127.0.0.1")
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// writeSecret replaces the file at path by value's JSON, of mode 0600, whole or
// not at all.
func writeSecret(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename inside the folder outlive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
