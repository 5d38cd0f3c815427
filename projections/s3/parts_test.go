package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"parley/events"
	"parley/events/eventstest"
	"parley/projections/recording"
)

const partSize = 5 << 20

// inParts are an object of two parts and some bytes, and its pieces.
func inParts(key string) (o recording.Object, parts []Part, pieces [][]byte) {
	o, body := given(key, 2*partSize+10)
	for i, piece := range slices.Collect(slices.Chunk(body, partSize)) {
		sum := sha256.Sum256(piece)
		parts, pieces = append(parts, Part{i + 1, int64(len(piece)), hex.EncodeToString(sum[:])}), append(pieces, piece)
	}
	return o, parts, pieces
}

func begunBy(t *testing.T, s *Store, o recording.Object) Multipart {
	t.Helper()
	m, err := s.Begin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParts(t *testing.T) {
	s := setup(t)
	o, parts, pieces := inParts(recording.IncomingKey(mine, "parts"))
	m := begunBy(t, s, o)

	t.Run("are signed each for itself", func(t *testing.T) {
		request, err := s.PresignPart(t.Context(), m, parts[2], time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		// the small part: a server that refuses a large body unread resets the connection
		short := pieces[2]
		for _, when := range []struct {
			name   string
			body   []byte
			change func(*http.Request)
			want   int
		}{
			{"a longer body", append(bytes.Clone(short), 0), asIs, http.StatusForbidden},
			{"no checksum", short, func(r *http.Request) { r.Header.Del(checksumHeader) }, http.StatusForbidden},
			{"a corrupted body", append(bytes.Clone(short[:len(short)-1]), '!'), asIs, http.StatusBadRequest},
			{"what was announced", short, asIs, http.StatusOK},
			{"the same a second time", short, asIs, http.StatusOK},
		} {
			if status, answer := send(t, request, when.body, when.change); status != when.want {
				t.Errorf("%s: answer %d, want %d: %s", when.name, status, when.want, answer)
			}
		}
	})
	t.Run("are refused through us by the same checks", func(t *testing.T) {
		for want, body := range map[events.Code][]byte{
			events.CodeTooSmall: pieces[1][1:],
			events.CodeTooLarge: append(bytes.Clone(pieces[1]), 0),
			events.CodeChecksum: append(bytes.Clone(pieces[1][:partSize-1]), '!'),
		} {
			if err := s.PutPart(t.Context(), m, parts[1], bytes.NewReader(body)); events.CodeOf(err) != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
	t.Run("go on where they stopped, whoever asks", func(t *testing.T) {
		again := begunBy(t, s, o)
		if arrived, err := s.Arrived(t.Context(), again); err != nil || again != m || !slices.Equal(arrived, parts[2:]) {
			t.Errorf("arrived %+v, %v", arrived, err)
		}
	})
	t.Run("are not assembled while one is missing", func(t *testing.T) {
		if err := s.PutPart(t.Context(), m, parts[0], bytes.NewReader(pieces[0])); err != nil {
			t.Fatal(err)
		}
		if err := s.Assemble(t.Context(), m, 3); events.CodeOf(err) != events.CodeConflict {
			t.Errorf("got %v", err)
		}
	})
	t.Run("make the whole, once, and leave nothing behind", func(t *testing.T) {
		if err := s.PutPart(t.Context(), m, parts[1], bytes.NewReader(pieces[1])); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Assemble(t.Context(), m, 3); err != nil {
				t.Fatal(err)
			}
		}
		wantWhole(t, s, o, pieces)
		if _, err := s.Begin(t.Context(), o); events.CodeOf(err) != events.CodeAlreadyStored {
			t.Errorf("begun again: %v", err)
		}
	})
}

// wantWhole wants the pieces as one object, and nothing unfinished.
func wantWhole(t *testing.T, s *Store, o recording.Object, pieces [][]byte) {
	t.Helper()
	there, err := s.Head(t.Context(), o.Key)
	if err != nil || there.Size != o.Size || there.ContentType != o.ContentType || there.SHA256 != "" {
		t.Fatalf("head = %+v, %v", there, err)
	}
	file := s.Open(t.Context(), there)
	defer closed(t, file)
	var whole bytes.Buffer
	if _, err := whole.ReadFrom(file); err != nil || !bytes.Equal(whole.Bytes(), slices.Concat(pieces...)) {
		t.Errorf("%d bytes, %v", whole.Len(), err)
	}
	if n := census(t, s, mine); n != 1 {
		t.Errorf("%d objects and unfinished uploads", n)
	}
}

// A page comes back after a day and goes on, while a sweeper looks between two parts.
func TestPartsGoOnAfterADay(t *testing.T) {
	s, log := setup(t), eventstest.NewBundle(t)
	const upload = events.UploadID("01JD000000000000000000000A")
	o, parts, pieces := inParts(recording.IncomingKey(mine, upload))
	log.Clock.Advance(time.Since(eventstest.Began))
	log.Append(t, mine.Aggregate(), &events.SessionStarted{Learner: "01JD00000000000000000000AA"}, &events.UploadRequested{Upload: upload})
	m := begunBy(t, s, o)
	for i, p := range parts {
		if err := s.PutPart(t.Context(), m, p, bytes.NewReader(pieces[i])); err != nil {
			t.Fatal(err)
		}
		log.Clock.Advance(25 * time.Hour)
		swept(t, s, log)
	}
	if arrived, err := s.Arrived(t.Context(), begunBy(t, s, o)); err != nil || !slices.Equal(arrived, parts) {
		t.Errorf("after three days %+v, %v", arrived, err)
	}
	if err := s.Assemble(t.Context(), m, len(parts)); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, s, o, pieces)

	t.Run("but not with one that was replaced", func(t *testing.T) {
		o, parts, pieces := inParts(recording.IncomingKey(mine, "01JD000000000000000000000B"))
		log.Append(t, mine.Aggregate(), &events.UploadRequested{Upload: "01JD000000000000000000000C"})
		m := begunBy(t, s, o)
		if err := s.PutPart(t.Context(), m, parts[2], bytes.NewReader(pieces[2])); err != nil {
			t.Fatal(err)
		}
		swept(t, s, log)
		if arrived, err := s.Arrived(t.Context(), m); events.CodeOf(err) != events.CodeNotFound {
			t.Errorf("%+v, %v", arrived, err)
		}
	})
}

// swept lets a sweeper look by the log's clock.
func swept(t *testing.T, s *Store, log *eventstest.Bundle) {
	t.Helper()
	sweeper := recording.NewSweeper(log.Log, s, 24*time.Hour, log.Clock.Now, slog.New(slog.DiscardHandler))
	if _, err := sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPartsBegunAtOnce(t *testing.T) {
	s := setup(t)
	o, _, _ := inParts(recording.IncomingKey(mine, "race"))
	found := make(chan Multipart)
	for range 8 {
		go func() {
			m, err := s.Begin(t.Context(), o)
			if err != nil {
				t.Error(err)
			}
			found <- m
		}()
	}
	for range 8 {
		<-found
	}
	if a, b := begunBy(t, s, o), begunBy(t, s, o); a != b || a.ID == "" {
		t.Errorf("%v and %v", a, b)
	}
}
