package embedded

import (
	"errors"
	"os"
	"testing"
)

func TestDurableSync(t *testing.T) {
	root, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := &durable{root: root}

	t.Run("acknowledges what is on the disk", func(t *testing.T) {
		if err := store.synced(nil); err != nil {
			t.Error(err)
		}
	})

	t.Run("passes on a failure to store", func(t *testing.T) {
		refused := errors.New("refused")
		if err := store.synced(refused); !errors.Is(err, refused) {
			t.Errorf("got %v, want %v", err, refused)
		}
	})

	t.Run("acknowledges nothing that could not be synced", func(t *testing.T) {
		if err := root.Close(); err != nil {
			t.Fatal(err)
		}
		if err := store.synced(nil); err == nil {
			t.Error("it was acknowledged")
		}
	})
}
