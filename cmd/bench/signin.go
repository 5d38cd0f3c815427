package main

import (
	"context"
	"errors"
	"net/http"

	"parley/events"
	door "parley/http"
)

// signIn measures signing in to a real program beside bare Argon2id with its
// parameters.
func (b *bench) signIn(ctx context.Context) error {
	return b.serving(ctx, start{dir: b.folder("sign_in")}, 1, func(_ *program, l *learner) error {
		passwords := door.NewPasswords(1)
		hash, err := passwords.Hash(ctx, learnerPassword, events.Person{Email: learnerEmail})
		if err != nil {
			return err
		}
		signing := func(ctx context.Context) (int, error) {
			return 1, l.ask(ctx, http.MethodPost, "/api/sign-in", map[string]string{"email": learnerEmail, "password": learnerPassword}, nil)
		}
		hashing := func(ctx context.Context) (int, error) {
			right, err := passwords.Check(ctx, learnerPassword, hash)
			if err == nil && !right {
				err = errors.New("the password is wrong")
			}
			return 1, err
		}
		medians, err := b.plan.measure(ctx, b.rounds([]step{signing}), b.rounds([]step{hashing}))
		if err != nil {
			return err
		}
		b.report.add(beside("sign_in_p50", ms(medians[0].p50), milliseconds, ms(medians[1].p50)))
		return nil
	})
}
