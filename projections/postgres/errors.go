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
	if isAltered(err) {
		return alteredError(fmt.Errorf("%s: %w", doing, err))
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

// isAltered tells whether the tables are not as the migrations made them: they
// lack a column, it is of another type, there is one more that must be filled,
// no key to merge by, or no right to use them.
func isAltered(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "42703", "42804", "42883", "23502", "42P10", "42501":
		return true
	}
	return false
}

// alteredError says so. It is no fault of ours: the log takes what is said, and
// what it holds is projected once the tables are made anew.
func alteredError(err error) error {
	return events.Wrap(err, events.CodeUnavailable, "the tables of the read models were altered by hand; parley rebuild --accept makes them anew")
}

// isBadValue tells whether PostgreSQL refused a value: one that it cannot hold
// (class 22), that breaks a constraint (23) or is too large for an index (54).
func isBadValue(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || isAltered(err) {
		return false
	}
	switch refused.Code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}
