package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
)

// translate gives an error of pgx its code: what PostgreSQL refused by fault
// of ours is internal, all else means that it cannot be reached just now.
func translate(err error, doing string) error {
	if err == nil {
		return nil
	}
	var ours *events.Error
	if errors.As(err, &ours) {
		return err
	}
	if isMissing(err) {
		return goneError(fmt.Errorf("%s: %w", doing, err))
	}
	code := events.CodeUnavailable
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !passes(refused.Code) {
		code = events.CodeInternal
	}
	return events.Wrap(fmt.Errorf("%s: %w", doing, err), code, "the database did not answer as it should")
}

// passes tells by its SQLSTATE class whether a refusal may go away by itself:
// connection, resources, intervention, conflicts between transactions,
// timeouts of locks and idle transactions.
func passes(state string) bool {
	switch state[:2] {
	case "08", "25", "40", "53", "55", "57", "58":
		return true
	}
	return false
}

// isBadValue tells whether PostgreSQL refused a value: one that it cannot hold
// (class 22), that breaks a constraint (23) or is too large for an index (54).
func isBadValue(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}
