package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections/erasure"
	"parley/projections/recording"
)

// TestAudio follows one recording through the real store and the real log: signed
// upload, finalizer, playback, eraser.
func TestAudio(t *testing.T) {
	store, log := setup(t), eventstest.NewBundle(t)
	file, err := os.ReadFile(filepath.Join(home, "../recording/testdata/chromium-156-stereo-5s.webm"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	upload := events.UploadID(log.IDs.ULID())
	incoming := recording.Object{
		Key:         recording.IncomingKey(mine, upload),
		ContentType: "audio/webm;codecs=opus",
		Size:        int64(len(file)),
		SHA256:      hex.EncodeToString(sum[:]),
	}

	request, err := store.Presign(t.Context(), incoming, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := send(t, request, file, asIs); status != http.StatusOK {
		t.Fatalf("upload: %d %s", status, answer)
	}
	log.Append(t, mine.Aggregate(),
		&events.SessionStarted{Learner: "01JD00000000000000000000AA"},
		&events.UploadRequested{Upload: upload, Size: incoming.Size, SHA256: incoming.SHA256, ContentType: incoming.ContentType, DurationMS: 5003},
		&events.UploadCompleted{Upload: upload, Object: incoming.Key, Size: incoming.Size, SHA256: incoming.SHA256},
	)
	audio := finalized(t, store, log)

	t.Run("the finalizer leaves the audio alone in the store", func(t *testing.T) {
		stored, err := store.Head(t.Context(), audio.Object)
		if err != nil || stored.SHA256 != audio.SHA256 || stored.Size != audio.Size || stored.ContentType != "audio/webm" {
			t.Errorf("head = %+v, %v", stored, err)
		}
		if audio.DurationMS != 4980 || audio.Channels != 2 || audio.Repaired != nil || census(t, store, mine) != 1 {
			t.Errorf("audio = %+v", audio)
		}
	})
	t.Run("it plays in ranges", func(t *testing.T) { playsInRanges(t, store, audio.Object) })
	t.Run("the eraser leaves nothing", func(t *testing.T) {
		log.Append(t, mine.Aggregate(), &events.SessionDeleteRequested{})
		doors := erasure.Doors{Log: log.Log, Calls: noCalls{}, Vault: log.Vault, Objects: store, Ledger: log.Log.Ledger(), Sweeper: log.Log, Copies: log.Log}
		hint := events.Event{Aggregate: mine.Aggregate()}
		if err := erasure.NewEraser(doors, nil, log.Clock.Now, log.IDs.Event).Handle(t.Context(), hint); err != nil {
			t.Fatal(err)
		}
		if n := census(t, store, mine); n != 0 {
			t.Errorf("%d objects are left", n)
		}
	})
}

// noCalls is a provider with no call that is up.
type noCalls struct{}

func (noCalls) HangUpAll(context.Context, []events.SessionID) error { return nil }

func finalized(t *testing.T, store *Store, log *eventstest.Bundle) *events.AudioFinalized {
	t.Helper()
	worker := recording.NewFinalizer(log.Log, store, log.Clock.Now, log.IDs.Event, slog.New(slog.DiscardHandler))
	if err := worker.Handle(t.Context(), events.Event{Aggregate: mine.Aggregate()}); err != nil {
		t.Fatal(err)
	}
	loaded := log.Load(t, mine.Aggregate())
	audio, is := loaded[len(loaded)-1].Body.(*events.AudioFinalized)
	if !is {
		t.Fatalf("last event: %+v", loaded[len(loaded)-1].Body)
	}
	return audio
}

// playsInRanges asks for parts as an audio element does.
func playsInRanges(t *testing.T, store *Store, key string) {
	o, err := store.Head(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(store.Open(t.Context(), o))
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string][]byte{
		"":                  whole,
		"bytes=0-":          whole,
		"bytes=1000-1999":   whole[1000:2000],
		"bytes=-100":        whole[len(whole)-100:],
		"bytes=40000-99999": whole[40000:],
	} {
		answer := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Range", asked)
		body := store.Open(t.Context(), o)
		http.ServeContent(answer, r, "audio.webm", time.Time{}, body)
		closed(t, body)
		if got := answer.Body.Bytes(); !bytes.Equal(got, want) {
			t.Errorf("range %q: %d bytes (%d), want %d", asked, len(got), answer.Code, len(want))
		}
	}
}
