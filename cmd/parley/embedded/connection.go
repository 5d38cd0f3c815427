package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Connection says how to reach the servers that a Parley instance stands on. Its
// JSON is the connection file.
type Connection struct {
	// PID is the process that runs the instance.
	PID int `json:"pid"`
	// Origin is where browsers reach it: "http://127.0.0.1:8787".
	Origin   string              `json:"origin,omitempty"`
	NATS     *NATSConnection     `json:"nats"`
	Postgres *PostgresConnection `json:"postgres"`
	S3       *S3Connection       `json:"s3"`
	// Speech is who its learners talk with; nil when it does not say.
	Speech *Speech `json:"speech,omitempty"`
}

// Speech names the models that an instance uses, for commands that are started with
// another environment than it was.
type Speech struct {
	Dialect            string `json:"dialect"`
	Model              string `json:"model,omitempty"` // empty: the built-in partner's
	TranscriptionModel string `json:"transcription_model"`
}

// names are those of the servers that it reaches.
func (c Connection) names() (all []string) {
	for _, server := range []struct {
		name string
		set  bool
	}{{"nats", c.NATS != nil}, {"postgres", c.Postgres != nil}, {"s3", c.S3 != nil}} {
		if server.set {
			all = append(all, server.name)
		}
	}
	return all
}

// NATSConnection reaches the event log. User and Password may be empty for a
// foreign server.
type NATSConnection struct {
	URL      string `json:"url"`
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// PostgresConnection reaches the read models; the URL holds the credentials.
type PostgresConnection struct {
	URL string `json:"url"`
}

// S3Connection reaches the object store; Endpoint is a URL.
type S3Connection struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// ErrNotRunning is returned by [ReadConnection] when no instance runs on the folder.
var ErrNotRunning = errors.New("no Parley is running on this data folder")

// ReadConnection returns how to reach the instance that runs on the data folder
// at path, [ErrNotRunning] if there is none. A file that a killed instance left
// behind is not believed.
func ReadConnection(path string) (Connection, error) {
	held, err := running(path)
	if err != nil {
		return Connection{}, fmt.Errorf("look at the lock of data folder %s: %w", path, err)
	}
	if !held {
		return Connection{}, fmt.Errorf("%s: %w", path, ErrNotRunning)
	}
	text, err := os.ReadFile(connectionPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return Connection{}, fmt.Errorf("%s: %w: it is still starting, or already stopping", path, ErrNotRunning)
	}
	if err != nil {
		return Connection{}, fmt.Errorf("read connection file: %w", err)
	}
	var c Connection
	if err := json.Unmarshal(text, &c); err != nil {
		return Connection{}, fmt.Errorf("read connection file of %s: %w", path, err)
	}
	return c, nil
}

func connectionPath(folder string) string { return filepath.Join(folder, "connection.json") }

func (f *Folder) publish(c Connection) error {
	if err := writeSecret(connectionPath(f.path), c); err != nil {
		return fmt.Errorf("write connection file: %w", err)
	}
	return nil
}

func (f *Folder) withdraw() error {
	err := os.Remove(connectionPath(f.path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove connection file: %w", err)
	}
	return nil
}
