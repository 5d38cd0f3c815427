package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// save measures how long a learner waits for "saved" after she has ended a session:
// ending, announcing, sending, completing, and the check of the audio. The baseline
// is what minio-go takes to put the same bytes into the store.
func (b *bench) save(ctx context.Context) error {
	dir := b.folder("save")
	return b.serving(ctx, start{dir: dir}, 1, func(_ *program, l *learner) error {
		store, err := openShelf(ctx, dir)
		if err != nil {
			return err
		}
		file, err := b.recording(b.plan.saved)
		if err != nil {
			return err
		}
		r := newRecorded(file)
		medians, err := b.plan.measure(ctx, l.saving(r), store.putting(r, false))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("save_%.0fmin", b.plan.saved.Minutes())
		b.report.add(beside(name, ms(medians[0].p50), milliseconds, ms(medians[1].p50)))
		return nil
	})
}

// saving is a side in which a session is ended and saved.
func (l *learner) saving(file recorded) side {
	return func(ctx context.Context) (sample, error) {
		pages, err := l.sessions(ctx, 1)
		if err != nil {
			return sample{}, err
		}
		r := pages[0]
		if _, err := r.say(ctx); err != nil {
			return sample{}, err
		}
		began := time.Now()
		if err := r.save(ctx, file); err != nil {
			return sample{}, err
		}
		took := time.Since(began)
		return sample{p50: took}, r.measured(ctx)
	}
}

// save ends the session, sends its recording, and returns when it is saved.
func (r *reporter) save(ctx context.Context, file recorded) error {
	end := map[string]any{"reason": "learner", "recording_expected": true, "last_n": r.n}
	if err := r.learner.ask(ctx, http.MethodPost, r.path("/end"), end, nil); err != nil {
		return err
	}
	u, err := r.announce(ctx, file, true)
	if err != nil {
		return err
	}
	if err := r.send(ctx, u, file); err != nil {
		return err
	}
	if err := r.complete(ctx, u); err != nil {
		return err
	}
	return r.saved(ctx)
}

// measured returns when the audio has its levels: making them takes processor time
// from whatever is measured next.
func (r *reporter) measured(ctx context.Context) error {
	for {
		found, err := r.learner.finds(ctx, r.path("/levels"))
		if found || err != nil {
			return err
		}
		if err := until(ctx, time.Now().Add(savedPause)); err != nil {
			return err
		}
	}
}

// savedPause lies between two looks at whether a session is saved.
const savedPause = 5 * time.Millisecond

// saved returns when the session is, or needs a person.
func (r *reporter) saved(ctx context.Context) error {
	for {
		var session struct {
			Status string `json:"status"`
		}
		if err := r.learner.ask(ctx, http.MethodGet, r.path(""), nil, &session); err != nil {
			return err
		}
		switch session.Status {
		case "saved":
			return nil
		case "needs_attention":
			return fmt.Errorf("session %s needs attention", r.session.ID)
		}
		if err := until(ctx, time.Now().Add(savedPause)); err != nil {
			return err
		}
	}
}

// finds tells whether something is there already.
func (l *learner) finds(ctx context.Context, path string) (found bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+path, nil)
	if err != nil {
		return false, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return false, err
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return response.StatusCode == http.StatusOK, errors.Join(err, response.Body.Close())
}
