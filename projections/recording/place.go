package recording

import (
	"context"
	"errors"
	"io"
	"time"

	"parley/events"
)

// place verifies the incoming file and puts the rewritten one where the audio of
// this upload belongs. It returns a *Rejection for a file that is wrong or gone.
func (f *Finalizer) place(ctx context.Context, hint events.Event, announced *events.UploadRequested, completed *events.UploadCompleted) (*Plan, Object, error) {
	incoming, err := f.objects.Head(ctx, completed.Object)
	if events.CodeOf(err) == events.CodeNotFound {
		return nil, Object{}, reject(ReasonMissing, "nothing lies under %s", completed.Object)
	}
	if err != nil {
		return nil, Object{}, err
	}
	plan, err := f.inspect(ctx, incoming, announced)
	if err != nil {
		return nil, Object{}, err
	}
	sum, err := f.digest(ctx, incoming, plan)
	if err != nil {
		return nil, Object{}, err
	}
	audio := Object{
		Key:         AudioKey(events.SessionID(hint.Aggregate.ID), completed.Upload, plan.ContentType),
		ContentType: plan.ContentType,
		Size:        plan.Size,
		SHA256:      sum,
	}
	return plan, audio, f.put(ctx, incoming, plan, audio)
}

// inspect is the first read: is it what was announced, and what is in it?
func (f *Finalizer) inspect(ctx context.Context, incoming Object, announced *events.UploadRequested) (plan *Plan, err error) {
	file := f.objects.Open(ctx, incoming)
	defer closing(file, &err)
	return Inspect(file, Claim{
		ContentType: announced.ContentType,
		Size:        announced.Size,
		SHA256:      announced.SHA256,
		Duration:    time.Duration(announced.DurationMS) * time.Millisecond,
	})
}

// digest is the second: the store checks what we put against its checksum, so that
// has to be known before the first byte is sent.
func (f *Finalizer) digest(ctx context.Context, incoming Object, plan *Plan) (sum string, err error) {
	file := f.objects.Open(ctx, incoming)
	defer closing(file, &err)
	return plan.Digest(file)
}

// put is the third. That the very bytes are there already is as good: an earlier
// attempt or another worker placed them.
func (f *Finalizer) put(ctx context.Context, incoming Object, plan *Plan, audio Object) error {
	err := f.stream(ctx, incoming, plan, audio)
	if events.CodeOf(err) != events.CodeAlreadyStored {
		return err
	}
	there, err := f.objects.Head(ctx, audio.Key)
	if err != nil {
		return err
	}
	if there.Size != audio.Size || there.SHA256 != audio.SHA256 {
		return events.Errorf(events.CodeConflict, "other bytes lie where this upload's audio belongs")
	}
	return nil
}

// errNotWanted ends a rewrite whose reader has turned away.
var errNotWanted = errors.New("the store takes no more")

// stream lets the rewrite write into the store.
func (f *Finalizer) stream(ctx context.Context, incoming Object, plan *Plan, audio Object) (err error) {
	file := f.objects.Open(ctx, incoming)
	defer closing(file, &err)
	body, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(plan.Rewrite(w, file))
	}()
	_, err = f.objects.Put(ctx, audio, body)
	body.CloseWithError(errNotWanted)
	<-done
	return err
}
