package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/events"
	"parley/events/jetstream"
	"parley/http"
)

// eraseFlags is what an operator says about an erasure.
type eraseFlags struct {
	data        string
	about       string // the session
	account     string // its id or e-mail address
	reason      string
	asJSON      bool
	wait        string // unreadable or swept
	prove       bool
	markerStdin bool
	sealed      string // file to look for
	keepSealed  string // file to write
	consent     consent
}

// What an operator may wait for.
const (
	waitUnreadable = "unreadable"
	waitSwept      = "swept"
)

func readEraseFlags(t terminal, args []string) (eraseFlags, error) {
	var f eraseFlags
	set, data := flags(t, "erase")
	set.StringVar(&f.account, "account", "", "erase everything of this account, by `ID` or e-mail address")
	reason := reasonFlag(set)
	set.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	set.StringVar(&f.wait, "wait", waitUnreadable, "come back when it is unreadable, or when it is swept")
	set.BoolVar(&f.prove, "prove", false, "erase nothing: search every file for what was said")
	set.BoolVar(&f.markerStdin, "marker-stdin", false, "with --prove: read a phrase that was said from standard input")
	set.StringVar(&f.sealed, "sealed", "", "with --prove: look for the sealed bytes in this `FILE` of --keep-sealed too")
	set.StringVar(&f.keepSealed, "keep-sealed", "", "before erasing, write the sealed bytes to this `FILE`, to look for them later")
	set.BoolVar(&f.consent.yes, "yes", false, "do it without asking")
	set.BoolVar(&f.consent.dryRun, "dry-run", false, "only say what would be done")
	if err := parse(set, args); err != nil {
		return f, err
	}
	f.data, f.reason, f.about = *data, *reason, set.Arg(0)
	switch {
	case set.NArg() > 1, (f.about == "") == (f.account == ""), f.prove && f.about == "", f.keepSealed != "" && f.about == "":
		return f, misused("name one session, or an account: parley erase SESSION | parley erase --account EMAIL|ID | parley erase --prove SESSION --marker-stdin")
	case f.wait != waitUnreadable && f.wait != waitSwept:
		return f, misused("--wait %s or --wait %s", waitUnreadable, waitSwept)
	}
	return f, nil
}

// erase asks for the erasure of a session or an account, for good, and waits for it;
// or searches for what should be gone.
func erase(ctx context.Context, t terminal, args []string) error {
	f, err := readEraseFlags(t, args)
	if err != nil {
		return err
	}
	if f.prove {
		return prove(ctx, t, f)
	}
	return withLog(ctx, t, f.data, func(log *jetstream.Log, to reach) error {
		e := &erasing{flags: f, log: log, to: to, t: t}
		if err := e.find(ctx); err != nil {
			return err
		}
		return e.run(ctx)
	})
}

// erasing is one erasure on its way.
type erasing struct {
	flags eraseFlags
	log   *jetstream.Log
	to    reach
	t     terminal
	of    events.Aggregate
	about events.AccountID // whose it is
	// sweeps are the streams that are overwritten.
	sweeps []events.Aggregate

	receipt, receiptHash string // of an account, made here; an earlier one stands before it

	removal
}

// removal is what will be done, and what became of it.
type removal struct {
	Of           string           `json:"of"`
	Will         []string         `json:"will"`
	Done         bool             `json:"done"`
	UnreadableAt *time.Time       `json:"unreadable_at,omitempty"`
	SweptAt      *time.Time       `json:"swept_at,omitempty"`
	Tombstone    events.Tombstone `json:"tombstone,omitempty"`
	// Receipt is the address of an account's receipt, which nobody else was given.
	Receipt string `json:"receipt,omitempty"`
}

// find looks what there is. Errors: CodeNotFound.
func (e *erasing) find(ctx context.Context) error {
	if e.flags.about != "" {
		return e.findSession(ctx)
	}
	return e.findAccount(ctx)
}

func (e *erasing) findSession(ctx context.Context) error {
	id, err := events.ParseID[events.SessionID](e.flags.about)
	if err != nil {
		return err
	}
	evs, err := e.log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return err
	}
	if len(evs) == 0 {
		return events.Errorf(events.CodeNotFound, "there is no session %s in the log", id)
	}
	session := events.NewSession(id)
	for _, event := range evs {
		session.Evolve(event)
	}
	e.of, e.about, e.sweeps = id.Aggregate(), session.Learner, []events.Aggregate{id.Aggregate()}
	if session.Erased != nil {
		e.will("finish what was begun: the session is unreadable already")
		return nil
	}
	e.will("destroy the session's key: nobody can read it any more, on no copy anywhere")
	e.will("remove its recording from the store")
	e.will("overwrite its %d events in the log, and leave a tombstone without a word", len(evs))
	return nil
}

func (e *erasing) findAccount(ctx context.Context) error {
	id, err := events.ParseID[events.AccountID](e.flags.account)
	if strings.Contains(e.flags.account, "@") {
		accounts := http.NewAccounts(e.log, e.log.Vault(), http.NewPasswords(hashesAtOnce), time.Now, newID)
		account, lookup := accounts.ByEmail(ctx, e.flags.account)
		if lookup != nil {
			return lookup
		}
		id, err = account.ID, nil
	}
	if err != nil {
		return err
	}
	evs, err := e.log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return err
	}
	if len(evs) == 0 {
		return events.Errorf(events.CodeNotFound, "there is no account %s in the log", id)
	}
	e.of, e.about = id.Aggregate(), id
	found, err := e.log.Belongings(ctx, id, evs[len(evs)-1].Position)
	if err != nil {
		return err
	}
	for _, session := range found.Sessions {
		e.sweeps = append(e.sweeps, session.Aggregate())
	}
	e.sweeps = append(e.sweeps, e.of) // the last to be swept
	e.will("close the account: nobody can sign in to it")
	e.will("destroy its key and those of its %d sessions: nobody can read them any more", len(found.Sessions))
	e.will("remove their recordings, its %d own topics, its sign-ins and its audit trail", len(found.Topics))
	e.will("free %d claims: its e-mail address, and who it is at providers", len(found.Emails)+len(found.Identities))
	return nil
}

func (e *erasing) will(format string, v ...any) { e.Will = append(e.Will, fmt.Sprintf(format, v...)) }

func (e *erasing) run(ctx context.Context) error {
	e.Of = e.of.String()
	if !e.flags.asJSON {
		fmt.Fprintln(e.t.out, e.Of)
		for _, line := range e.Will {
			fmt.Fprintln(e.t.out, "  "+line)
		}
	}
	switch err := e.flags.consent.given(e.t); {
	case errors.Is(err, errDryRun):
		return e.report()
	case err != nil:
		return err
	}
	sweeping, err := e.sweeping(ctx)
	if err != nil {
		return err
	}
	if err := e.request(ctx); err != nil {
		return err
	}
	return errors.Join(e.follow(ctx, sweeping), e.report())
}

// request puts it on the audit trail and asks for it. The running instance's eraser
// does it.
func (e *erasing) request(ctx context.Context) error {
	if path := e.flags.keepSealed; path != "" {
		if err := keepSealed(ctx, e.log, events.SessionID(e.of.ID), path); err != nil {
			return err
		}
	}
	if err := record(ctx, e.log, act{does: "erase", object: e.Of, about: e.notedFor(), reason: e.flags.reason}); err != nil {
		return err
	}
	who, err := operator()
	if err != nil {
		return err
	}
	if e.of.Kind == events.KindOfAccount {
		e.receipt, e.receiptHash = http.NewReceipt(e.about)
	}
	_, err = requestErasure(ctx, e.log, e.of, who, e.receiptHash)
	return err
}

// notedFor is whose audit trail the act is put on: that of an account goes with it.
func (e *erasing) notedFor() events.AccountID {
	if e.of.Kind == events.KindOfAccount {
		return ""
	}
	return e.about
}

// erasePatience is how long an operator waits for a tombstone before she is told that
// nobody is at work.
const erasePatience = 2 * time.Minute

// follow waits for the tombstone: it is the last event of what is erased.
func (e *erasing) follow(ctx context.Context, sweeping *sweepShown) error {
	wait := ctx
	if e.flags.wait == waitUnreadable {
		var stop context.CancelFunc
		wait, stop = context.WithTimeout(ctx, erasePatience)
		defer stop()
	}
	defer sweeping.shown.end()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		evs, err := e.log.Load(ctx, e.of, 0)
		if err != nil {
			return err
		}
		for _, event := range evs {
			e.note(event.Body)
		}
		if err := sweeping.look(ctx); err != nil {
			return err
		}
		if e.SweptAt != nil || e.UnreadableAt != nil && e.flags.wait == waitUnreadable {
			e.Done = true
			return nil
		}
		select {
		case <-look.C:
		case <-wait.Done():
			return events.Errorf(events.CodeUnavailable, "it was asked for, and is closed for everybody; but no eraser is at work: start an instance with the role worker")
		}
	}
}

func (e *erasing) note(body events.Body) {
	switch b := body.(type) {
	case *events.SessionErased:
		e.Tombstone, e.UnreadableAt, e.SweptAt = b, &b.UnreadableAt, b.SweptAt
	case *events.AccountDeleteRequested:
		e.show(b.Receipt)
	case *events.AccountErased:
		e.Tombstone, e.UnreadableAt, e.SweptAt = b, &b.UnreadableAt, b.SweptAt
		e.show(b.Receipt)
	}
}

// show gives the receipt away if it is the one that stands.
func (e *erasing) show(standing string) {
	if standing == "" || standing != e.receiptHash {
		return
	}
	e.Receipt = e.receipt
	if public, err := e.to.public(); err == nil { // else the bare one, which the page takes too
		e.Receipt = http.ReceiptURL(public, e.receipt)
	}
}

func (e *erasing) report() error {
	if e.flags.asJSON {
		return json.NewEncoder(e.t.out).Encode(e.removal)
	}
	if e.Receipt != "" {
		fmt.Fprintf(e.t.out, "its receipt, shown only now; hand it to its learner: %s\n", e.Receipt)
	}
	if !e.Done {
		return nil
	}
	fmt.Fprintf(e.t.out, "unreadable since %s\n", stamp(*e.UnreadableAt))
	if e.SweptAt == nil {
		_, err := fmt.Fprintln(e.t.out, "being swept from the disk; --wait swept waits for that")
		return err
	}
	_, err := fmt.Fprintf(e.t.out, "swept at %s\n", stamp(*e.SweptAt))
	return err
}
