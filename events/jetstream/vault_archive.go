package jetstream

import (
	"context"
	"encoding/json"
	"io"

	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// IsKeys is true of the stream of any generation of the vault.
func (s Stream) IsKeys() bool { return generationOf(string(s)) > 0 }

// Keys is the generation of keys that is live; nil when there is no vault.
// Errors: CodeUnavailable.
func (a *Archive) Keys(ctx context.Context) (*KeyGeneration, error) {
	found, err := a.generations(ctx)
	return liveOf(found), err
}

// RemoveKeys deletes every generation of the vault, to make room for a restore.
// Errors: CodeUnavailable.
func (a *Archive) RemoveKeys(ctx context.Context) error {
	found, err := a.generations(ctx)
	if err != nil {
		return err
	}
	for _, g := range found {
		if err := a.Remove(ctx, g.Stream); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) generations(ctx context.Context) ([]KeyGeneration, error) {
	js, err := jetstream.New(a.nc)
	if err != nil {
		return nil, unavailable(err, "the key streams cannot be listed")
	}
	return generations(ctx, js, archivePatience)
}

// KeysIn reads from a snapshot which generation of keys it holds.
// Errors: CodeInvalid for a snapshot of something else.
func KeysIn(snapshot io.Reader) (KeyGeneration, error) {
	head, err := newPieceReader(snapshot).head()
	if err != nil {
		return KeyGeneration{}, err
	}
	var config struct {
		Name     Stream            `json:"name"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(head.Config, &config); err != nil {
		return KeyGeneration{}, events.Wrap(err, events.CodeInvalid, "what a stream holds cannot be read")
	}
	if !config.Name.IsKeys() {
		return KeyGeneration{}, events.Errorf(events.CodeInvalid, "this is a snapshot of %s, which holds no keys", config.Name)
	}
	return KeyGeneration{
		Number: generationOf(string(config.Name)), Stream: config.Name,
		Vault: vaultOf(config.Metadata), check: config.Metadata[checkMetadata],
	}, nil
}

// vaultOf tells one vault from another. Those made before they had a name are
// known by their first check.
func vaultOf(metadata map[string]string) string {
	if name := metadata[vaultMetadata]; name != "" {
		return name
	}
	return metadata[checkMetadata]
}

// CheckMasterKey tells whether the source holds the generation's master key.
// Errors: CodeInvalid.
func (g KeyGeneration) CheckMasterKey(ctx context.Context, m MasterKey) error {
	return CheckMasterKey(ctx, m, map[string]map[string]string{string(g.Stream): {checkMetadata: g.check}})
}
