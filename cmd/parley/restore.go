package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"parley/cmd/parley/embedded"
	"parley/events"
)

// restoreFlags is what an operator says about a restore.
type restoreFlags struct {
	data        string
	from        kept
	ledger      string // folder of a newer backup, for its ledger
	replace     bool
	replaceKeys bool
	olderLedger bool
	reason      string
	asJSON      bool
	consent     consent
}

func readRestoreFlags(t terminal, args []string) (restoreFlags, error) {
	var f restoreFlags
	set, data := flags(t, "restore")
	set.StringVar(&f.from.dir, "from", "", "the backup's `folder`")
	set.StringVar(&f.from.keys, "keys-from", "", "the `folder` of its keys, when they lie apart")
	set.StringVar(&f.ledger, "ledger", "", "the `folder` of a newer backup, to take the list of erased sessions from")
	set.BoolVar(&f.replace, "replace", false, "delete the log that is here")
	set.BoolVar(&f.replaceKeys, "replace-keys", false, "delete the keys that are here, which are of another vault than the backup's")
	set.BoolVar(&f.olderLedger, "accept-older-ledger", false, "restore although sessions that were erased since the backup come back")
	reason := reasonFlag(set)
	set.BoolVar(&f.asJSON, "json", false, "print what was done as JSON")
	set.BoolVar(&f.consent.yes, "yes", false, "do it without asking")
	set.BoolVar(&f.consent.dryRun, "dry-run", false, "only say what would be done")
	if err := parse(set, args); err != nil {
		return f, err
	}
	f.data, f.reason = *data, *reason
	if f.from.dir == "" || set.NArg() > 0 {
		return f, misused("name a backup: parley restore --from DIR")
	}
	if f.reason != "" { // it is noted when the log has gone and come already
		return f, events.CheckReason(f.reason)
	}
	return f, nil
}

// restore puts a backup in place of a log that is lost. The instance must be
// stopped; everything is checked before anything is changed.
func restore(ctx context.Context, t terminal, args []string) error {
	f, err := readRestoreFlags(t, args)
	if err != nil {
		return err
	}
	m, err := openBackup(f.from)
	if err != nil {
		return err
	}
	config, err := readConfig(t.environ)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(f.data)
	if err != nil {
		return err
	}
	into, err := siteOf(ctx, config, dir)
	if err != nil {
		return err
	}
	r := &restoration{site: into, manifest: m, flags: f, config: config, dir: dir, t: t}
	return errors.Join(r.run(ctx), into.close())
}

func siteOf(ctx context.Context, config Config, dir string) (*site, error) {
	if config.NATSURL != "" {
		return foreignSite(config, embedded.NATSConnection{URL: config.NATSURL})
	}
	return openSite(ctx, dir)
}

func (r *restoration) run(ctx context.Context) error {
	if err := r.plan(ctx); err != nil {
		return err
	}
	if !r.flags.asJSON {
		fmt.Fprintf(r.t.out, "backup of %s, made by parley %s\n", stamp(r.manifest.MadeAt), r.manifest.Parley)
		for _, line := range r.Will {
			fmt.Fprintln(r.t.out, "  "+line)
		}
	}
	switch err := r.flags.consent.given(r.t); {
	case errors.Is(err, errDryRun):
		return r.report()
	case err != nil:
		return err
	}
	if err := r.carryOut(ctx); err != nil {
		return within("not restored whole; the backup is untouched: put right what follows, and run it again with --replace", err)
	}
	r.Done = true
	return r.report()
}

func (r *restoration) report() error {
	if r.flags.asJSON {
		return json.NewEncoder(r.t.out).Encode(r.restored)
	}
	if !r.Done {
		return nil
	}
	fmt.Fprintf(r.t.out, "restored %d events up to %s; erased since: %d, of which the backup held %d, which are swept\n", r.Events, r.Last, r.Erased, r.Filtered)
	if r.Asked > 0 {
		fmt.Fprintf(r.t.out, "deletions that were asked for and not begun: %d; they are unreadable, and done by the first instance with the role worker\n", r.Asked)
	}
	_, err := fmt.Fprintln(r.t.out, "Start Parley now. If the log ended behind this backup, status names the read models as those of another past; then: parley rebuild --accept")
	return err
}
