package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	turnsHeard = 400       // turns of the session in which is sought
	fetched    = 64 << 10  // bytes that a player reads on from a place
	nextSeek   = 4_567_891 // bytes to the place that is sought next
)

// seek measures how long a learner waits for the first byte of a long recording when
// she clicks somewhere into it, beside a ranged request for the same bytes to the store.
func (b *bench) seek(ctx context.Context) error {
	dir := b.folder("seek")
	return b.serving(ctx, start{dir: dir}, 1, func(_ *program, l *learner) error {
		store, err := openShelf(ctx, dir)
		if err != nil {
			return err
		}
		file, err := b.recording(b.plan.recorded)
		if err != nil {
			return err
		}
		pages, err := l.sessions(ctx, 1)
		if err != nil {
			return err
		}
		r := pages[0]
		r.n = turnsHeard
		if err := r.report(ctx, 1); err != nil {
			return err
		}
		if err := errors.Join(r.save(ctx, newRecorded(file)), r.measured(ctx)); err != nil {
			return err
		}
		stored, err := store.audio(ctx, r.session.ID)
		if err != nil {
			return err
		}
		medians, err := b.plan.measure(ctx, b.seeking(stored.Size, r.play), b.seeking(stored.Size, store.reading(stored.Key)))
		if err != nil {
			return err
		}
		b.report.add(
			beside("seek_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)),
			beside("seek_p99", ms(medians[0].p99), milliseconds, ms(medians[1].p99)))
		return nil
	})
}

// seeking is a side in which place after place of so many bytes is sought.
func (b *bench) seeking(size int64, open func(ctx context.Context, from, to int64) (io.ReadCloser, error)) side {
	return func(ctx context.Context) (sample, error) {
		var answers []time.Duration
		began := time.Now()
		for at := size / 2; time.Since(began) < b.plan.round; at = (at + nextSeek) % (size - fetched) {
			asked := time.Now()
			body, err := open(ctx, at, at+fetched-1)
			if err != nil {
				return sample{}, err
			}
			_, err = io.ReadFull(body, make([]byte, 1))
			answers = append(answers, time.Since(asked))
			read, rest := io.Copy(io.Discard, body)
			if err := errors.Join(err, rest, body.Close()); err != nil || read != fetched-1 {
				return sample{}, fmt.Errorf("%d bytes after the first of %d: %w", read, fetched, err)
			}
		}
		return sampleOf(len(answers), time.Since(began), answers), nil
	}
}

// play asks for a part of the session's audio.
func (r *reporter) play(ctx context.Context, from, to int64) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.learner.base+r.path("/audio"), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	response, err := r.learner.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusPartialContent {
		return nil, errors.Join(fmt.Errorf("a part of the audio: %s", response.Status), response.Body.Close())
	}
	return response.Body, nil
}

// recordings is the bucket in which the program keeps them.
const recordings = "parley"

// audio finds what a session's recording became.
func (s *shelf) audio(ctx context.Context, session string) (found minio.ObjectInfo, err error) {
	for o := range s.client.ListObjects(ctx, recordings, minio.ListObjectsOptions{Prefix: "audio/" + session + "/", Recursive: true}) {
		if o.Err != nil {
			return found, o.Err
		}
		if strings.HasSuffix(o.Key, ".webm") {
			found = o
		}
	}
	if found.Key == "" {
		err = fmt.Errorf("session %s has no audio in the store", session)
	}
	return found, err
}

// reading asks the store itself for a part of an object.
func (s *shelf) reading(key string) func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
	core := minio.Core{Client: s.client}
	return func(ctx context.Context, from, to int64) (io.ReadCloser, error) {
		var options minio.GetObjectOptions
		if err := options.SetRange(from, to); err != nil {
			return nil, err
		}
		body, _, _, err := core.GetObject(ctx, recordings, key, options)
		return body, err
	}
}
