package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"parley/events"
	parleylog "parley/events/jetstream"
	"parley/projections/erasure"
)

// restored is what a restore does, and then what it did.
type restored struct {
	Will     []string        `json:"will"`
	Done     bool            `json:"done"`
	Events   uint64          `json:"events"`
	Last     events.Position `json:"last"`     // of the restored log, before it was filtered
	Erased   int             `json:"erased"`   // sessions, accounts and topics in the newest ledger
	Filtered int             `json:"filtered"` // of these, in the backup as well
	Asked    int             `json:"asked"`    // deletions that were asked for and not begun, taken over
}

// restoration puts one backup in place. Its order keeps what was erased unreadable
// whatever goes wrong between: first the keys of all erased sessions are destroyed,
// then the log comes, then the erased sessions are swept from it.
type restoration struct {
	restored
	site     *site
	manifest manifest
	flags    restoreFlags
	config   Config
	dir      string
	t        terminal

	putKeys   bool
	ledgerOf  string // folder of the backup whose ledger is put; empty: the one here is the newest
	takeAsked bool   // the log that is here may hold requests that no eraser has taken up
	ledgerFor packed
}

// plan decides what to do from what is here. Errors: CodeConflict for what needs to
// be said with a flag.
func (r *restoration) plan(ctx context.Context) error {
	for _, decide := range []func(context.Context) error{r.planKeys, r.planLedger, r.planLog} {
		if err := decide(ctx); err != nil {
			return err
		}
	}
	return nil
}

// planKeys keeps a vault that is here: rolling it back would bring destroyed keys
// back. One of another log is replaced only when told.
func (r *restoration) planKeys(ctx context.Context) error {
	keys := r.manifest.of(parleylog.KeyStream)
	live, err := r.site.archive.Keys(ctx)
	if err != nil {
		return err
	}
	var here parleylog.Contents
	if live != nil {
		if here, err = r.site.look(ctx, live.Stream); err != nil {
			return err
		}
	}
	r.putKeys = true
	switch {
	case live != nil && live.Vault == r.manifest.Vault:
		r.putKeys = false
		r.will("keep the %d keys that are here: a vault is never rolled back", here.Messages)
		return nil
	case here.Messages == 0:
		r.will("restore %d keys: there are none here", keys.Messages)
	case r.flags.replaceKeys:
		r.will("delete the %d keys that are here, of another vault, and restore %d", here.Messages, keys.Messages)
	default:
		return events.Errorf(events.CodeConflict, "the keys here belong to another vault than the backup's, and nobody could read the backup with them; if nothing here is needed, add --replace-keys")
	}
	return r.checkKeys(ctx, keys)
}

// checkKeys refuses keys that the master key does not open: a backup needs the one
// that was in use when it was made.
func (r *restoration) checkKeys(ctx context.Context, keys packed) error {
	file, err := os.Open(r.flags.from.path(keys))
	if err != nil {
		return err
	}
	defer file.Close()
	held, err := parleylog.KeysIn(file)
	if err == nil {
		err = held.CheckMasterKey(ctx, masterKey(r.config, r.dir))
	}
	if err != nil {
		return within("the backup's keys need the master key that was in use when it was made", err)
	}
	return nil
}

// planLedger finds the newest list of erased sessions. The one here is that if the
// vault beside it is the backup's: it has gone on since.
func (r *restoration) planLedger(ctx context.Context) error {
	here, err := r.site.look(ctx, parleylog.LedgerStream)
	if err != nil {
		return err
	}
	if here.Stream != "" && !r.putKeys {
		r.will("filter by the ledger of erasures that is here: %d", here.Messages)
		return nil
	}
	r.ledgerOf, r.ledgerFor = r.flags.from.dir, r.manifest.of(parleylog.LedgerStream)
	if r.flags.ledger != "" {
		newer, err := openLedger(r.flags.ledger)
		if err != nil {
			return err
		}
		if newer.Epoch != r.manifest.Epoch || newer.MadeAt.Before(r.manifest.MadeAt) {
			return events.Errorf(events.CodeInvalid, "%s is not a newer backup of the same log", r.flags.ledger)
		}
		r.ledgerOf, r.ledgerFor = r.flags.ledger, newer.of(parleylog.LedgerStream)
	} else if !r.flags.olderLedger {
		return events.Errorf(events.CodeConflict, "the ledger of erased sessions is lost here, and the backup's is as old as the backup: sessions that were erased since would come back; name a newer backup with --ledger, or add --accept-older-ledger")
	}
	r.will("restore the ledger of erasures from %s and filter by it: %d", r.ledgerOf, r.ledgerFor.Messages)
	return nil
}

func (r *restoration) planLog(ctx context.Context) error {
	log := r.manifest.of(parleylog.LogStream)
	here, err := r.site.look(ctx, parleylog.LogStream)
	switch {
	case err != nil:
		return err
	case here.Messages > 0 && !r.flags.replace:
		return events.Errorf(events.CodeConflict, "there is a log here, with %d events up to %s; to delete it, add --replace", here.Messages, here.Last)
	case here.Messages > 0:
		r.takeAsked = here.Epoch == log.Epoch && !r.putKeys
		r.will("delete the log that is here: %d events up to %s", here.Messages, here.Last)
	}
	r.Events, r.Last = log.Messages, log.Last
	r.will("restore %d events up to %s", log.Messages, r.Last)
	return nil
}

func (r *restoration) will(format string, v ...any) {
	r.Will = append(r.Will, fmt.Sprintf(format, v...))
}

func (r *restoration) carryOut(ctx context.Context) error {
	if r.putKeys {
		if err := r.put(ctx, r.flags.from, r.manifest.of(parleylog.KeyStream)); err != nil {
			return err
		}
	}
	log := parleylog.New(r.site.nc, parleylog.Config{MasterKey: masterKey(r.config, r.dir)})
	if err := log.Open(ctx); err != nil {
		return err
	}
	defer log.Close()
	if err := r.keepAsked(ctx, log); err != nil {
		return err
	}
	erased, err := r.bringLedger(ctx, log.Ledger())
	if err != nil {
		return err
	}
	erased = slices.DeleteFunc(erased, func(e events.Erasure) bool { return e.Of.Kind.IsClaim() }) // they go with what they name
	r.Erased = len(erased)
	for _, e := range erased {
		if err := log.Vault().Destroy(ctx, e.Of); err != nil {
			return err
		}
	}
	if err := r.put(ctx, r.flags.from, r.manifest.of(parleylog.LogStream)); err != nil {
		return err
	}
	if err := record(ctx, log, act{does: "restore", reason: r.flags.reason}); err != nil {
		return err
	}
	return r.filter(ctx, log, erased)
}

// keepAsked notes the deletions that no eraser has taken up, before the log that they
// are in is gone.
func (r *restoration) keepAsked(ctx context.Context, log *parleylog.Log) error {
	if !r.takeAsked {
		return nil
	}
	asked, err := log.Requested(ctx)
	if err != nil {
		return err
	}
	for _, e := range asked {
		e.ErasedAt = time.Now()
		if err := log.Ledger().Take(ctx, e); err != nil {
			return err
		}
	}
	r.Asked = len(asked)
	return nil
}

// put brings one file back.
func (r *restoration) put(ctx context.Context, at kept, p packed) error {
	return r.site.put(ctx, at, p, r.t.progress("restoring "+p.File))
}

// bringLedger puts the newest ledger in place, and with it what only the one here
// knew, and lists it.
func (r *restoration) bringLedger(ctx context.Context, ledger *parleylog.Ledger) ([]events.Erasure, error) {
	here, err := ledger.All(ctx)
	if err != nil || r.ledgerOf == "" {
		return here, err
	}
	if err := r.put(ctx, kept{dir: r.ledgerOf}, r.ledgerFor); err != nil {
		return nil, err
	}
	for _, e := range here {
		if err := ledger.Take(ctx, e); err != nil {
			return nil, err
		}
	}
	return ledger.All(ctx)
}

// filter erases again what the backup brought back. Nobody is served meanwhile, so
// the sweep needs no pace.
func (r *restoration) filter(ctx context.Context, log *parleylog.Log, erased []events.Erasure) error {
	who, err := operator()
	if err != nil {
		return err
	}
	eraser := eraserOf(log, gone{}, unreached{}, rate.NewLimiter(rate.Inf, 1))
	shown := r.t.progress("erasing again")
	defer shown.end()
	for i, e := range erased {
		again, err := eraseAgain(ctx, log, eraser, e, who)
		if err != nil {
			return err
		}
		if again {
			r.Filtered++
		}
		shown.at(uint64(i+1), uint64(len(erased)))
	}
	return nil
}

// eraseAgain does to a session or an account what was done to it after the backup was
// made; what was only asked for is asked again, as its objects are still there. A topic
// goes with its account.
func eraseAgain(ctx context.Context, log *parleylog.Log, eraser *erasure.Eraser, e events.Erasure, who events.Actor) (bool, error) {
	of := e.Of
	var pieces []events.Body
	switch of.Kind {
	case events.KindOfSession:
		pieces = []events.Body{&events.SessionDeleteRequested{}, &events.SessionErased{}}
	case events.KindOfAccount:
		pieces = []events.Body{&events.AccountDeleteRequested{}, &events.AccountErased{}}
	}
	there, err := requestErasure(ctx, log, of, who, e.Receipt)
	if err != nil || !there || e.Asked {
		return false, err
	}
	for _, body := range pieces {
		if err := eraser.Handle(ctx, events.Event{Aggregate: of, Body: body}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// requestErasure asks to erase what the log holds of a session or an account, and
// tells whether there is anything that is not swept. The receipt is an account's, and
// may be none.
func requestErasure(ctx context.Context, log *parleylog.Log, of events.Aggregate, who events.Actor, receipt string) (bool, error) {
	switch of.Kind {
	case events.KindOfSession:
		session := events.NewSession(events.SessionID(of.ID))
		_, err := events.Execute(ctx, log, of, session, stampOf(who), func(s *events.Session) ([]events.Event, error) {
			if !s.Exists() {
				return nil, nil
			}
			return s.RequestDelete(s.Learner)
		})
		return session.Exists() && (session.Erased == nil || !session.Erased.Swept()), err
	case events.KindOfAccount:
		account := events.NewAccount(events.AccountID(of.ID))
		_, err := events.Execute(ctx, log, of, account, stampOf(who), func(a *events.Account) ([]events.Event, error) {
			if !a.Live() {
				return nil, nil
			}
			return a.RequestDelete(receipt)
		})
		return account.Deleted != nil && (account.Erased == nil || !account.Erased.Swept()), err
	}
	return false, nil
}

// gone stands for the objects of sessions in the ledger: they are listed there once
// their objects are removed.
type gone struct{}

// RemoveSession finds nothing.
func (gone) RemoveSession(context.Context, events.SessionID) (int, error) { return 0, nil }

var _ erasure.Objects = gone{}
