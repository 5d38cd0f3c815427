package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"parley/events/jetstream"
)

// keys shows how the vault stands, or rotates its master key.
func keys(ctx context.Context, t terminal, args []string) error {
	set, data := flags(t, "keys")
	asJSON := set.Bool("json", false, "print JSON")
	reason := reasonFlag(set)
	var c consent
	set.BoolVar(&c.yes, "yes", false, "rotate without asking")
	set.BoolVar(&c.dryRun, "dry-run", false, "only say what rotate would do")
	if err := parse(set, args); err != nil {
		return err
	}
	verb := set.Arg(0)
	if set.NArg() != 1 || verb != "status" && verb != "rotate" {
		return misused("parley keys status shows how the vault stands; parley keys rotate brings it under a new master key")
	}
	return withLog(ctx, t, *data, func(log *jetstream.Log, _ reach) error {
		now, err := log.Vault().Status(ctx)
		if err != nil {
			return err
		}
		if verb == "status" {
			return showVault(t, now, *asJSON)
		}
		return rotateKeys(ctx, t, log, now, keyRotation{*asJSON, *reason, c})
	})
}

// showVault fails when there are keys that nobody can use.
func showVault(t terminal, now jetstream.VaultStatus, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(t.out).Encode(now)
	} else {
		err = printVault(t, now)
	}
	switch {
	case err != nil:
		return err
	case now.Unopened > 0:
		return finds("%d data keys do not open under the master key: restore the keys from a backup", now.Unopened)
	case now.Frozen:
		return finds("no new key can be made before the rotation is finished: parley keys rotate")
	}
	return nil
}

func printVault(t terminal, now jetstream.VaultStatus) error {
	fmt.Fprintf(t.out, "generation      %d, in %s\nmaster key      %s; it opens the vault\n", now.Generation, now.Stream, now.MasterKey)
	fmt.Fprintf(t.out, "data keys       %d, all checked; %d do not open\ndestroyed       %d\n", now.Keys, now.Unopened, now.Destroyed)
	fmt.Fprintf(t.out, "in memory       at most %d a program\n", now.CacheMost)
	if now.Rotating {
		fmt.Fprintln(t.out, "rotation        one is under way, or was cut short: parley keys rotate goes on with it")
	}
	return nil
}

// keyRotation is what an operator says about a rotation.
type keyRotation struct {
	asJSON  bool
	reason  string
	consent consent
}

func rotateKeys(ctx context.Context, t terminal, log *jetstream.Log, now jetstream.VaultStatus, how keyRotation) error {
	will := fmt.Sprintf("wrap %d data keys under a new master key, switch to them, and delete generation %d; programs that run go on, with the new key from their own source", now.Keys, now.Generation)
	if !how.asJSON {
		fmt.Fprintln(t.out, will)
	}
	switch err := how.consent.given(t); {
	case errors.Is(err, errDryRun):
		return printPlan(t, will, how.asJSON)
	case err != nil:
		return err
	}
	if err := record(ctx, log, act{does: "keys rotate", reason: how.reason}); err != nil {
		return err
	}
	done, err := log.Vault().Rotate(ctx, func(step jetstream.RotationStep) error {
		if onTerminal(t.err) {
			fmt.Fprintln(t.err, step)
		}
		return ctx.Err()
	})
	if err != nil {
		return within("the rotation is not finished; nothing is lost, and it goes on when it is begun again", err)
	}
	if how.asJSON {
		return json.NewEncoder(t.out).Encode(done)
	}
	return printRotated(t, done, now.MasterKey)
}

func printRotated(t terminal, done jetstream.Rotated, source string) error {
	if done.From == done.To {
		fmt.Fprintf(t.out, "generation %d is under the new master key already; nothing older is left\n", done.To)
	} else {
		fmt.Fprintf(t.out, "generation %d: %d data keys are under the new master key, %d stay destroyed; the old one opens nothing here any more\n", done.To, done.Keys, done.Destroyed)
	}
	if len(done.Copies) > 0 {
		fmt.Fprintf(t.out, "The old one still opens what these streams copied of older generations; delete them: %s.\n", strings.Join(done.Copies, ", "))
	}
	if done.KeyIsLeft {
		fmt.Fprintf(t.out, "Take the old master key out of its source now: %s.\n", source)
	}
	_, err := fmt.Fprintln(t.out, "Keep a copy of the new master key apart; backups made before need the old one, so keep that with them.")
	return err
}
