package embedded

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
)

// StreamMetadata reads the metadata of each stream of a data folder, by the
// streams' names, without its server and without changing anything. There are
// none where there is no folder yet.
func StreamMetadata(path string) (map[string]map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(path, "nats", "jetstream", "*", "streams", "*", server.JetStreamMetaFile))
	if err != nil {
		return nil, fmt.Errorf("find the streams of %s: %w", path, err)
	}
	found := map[string]map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read a stream of %s: %w", path, err)
		}
		var info server.FileStreamInfo
		if err := json.Unmarshal(text, &info); err != nil {
			return nil, fmt.Errorf("read a stream of %s: %w", path, err)
		}
		found[info.Name] = info.Metadata
	}
	return found, nil
}
