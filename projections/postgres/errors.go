package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parley/events"
)

// translate gives an error of pgx its code: what PostgreSQL refuses for good is
// internal, all else means that it cannot be reached just now.
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
	var refused *pgconn.PgError
	if errors.As(err, &refused) && !isPassing(err) {
		return refusedError(fmt.Errorf("%s: %w", doing, err), refused.Code)
	}
	return events.Wrap(fmt.Errorf("%s: %w", doing, err), events.CodeUnavailable, "the database did not answer as it should")
}

// refusedError names what PostgreSQL refuses for good, as far as anybody can say
// without repeating what was refused.
func refusedError(err error, state string) error {
	message := "PostgreSQL refuses what the program asks (SQLSTATE " + state + "); its own log says more"
	if state[:2] == "XX" {
		message = "PostgreSQL's own files are damaged (SQLSTATE " + state + "); an empty database in its place is filled from the event log"
	}
	return events.Wrap(err, events.CodeInternal, message)
}

// isPassing tells whether an error may go away by itself: one of ours says so by its
// code; of a refusal its SQLSTATE class does: connection, resources, intervention,
// conflicts between transactions, timeouts of locks and idle transactions.
func isPassing(err error) bool {
	var ours *events.Error
	if errors.As(err, &ours) {
		return true
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code[:2] {
	case "08", "25", "40", "53", "55", "57", "58":
		return true
	}
	return false
}

// isAltered tells whether the tables are certainly not as the migrations made them:
// they lack a column, it is of another type, there is one more that must be filled,
// no key to merge by, no right to use them, or a trigger that objects.
func isAltered(err error) bool {
	var unread pgx.ScanArgError
	if errors.As(err, &unread) {
		return true
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code[:2] {
	case "42", "0A", "P0":
		return true
	}
	return refused.Code == "23502"
}

// alteredError says so. It is no fault of ours: the log takes what is said, and
// what it holds is projected once the tables are made anew.
func alteredError(err error) error {
	return events.Wrap(err, events.CodeUnavailable, "the tables of the read models were altered by hand; parley rebuild --accept makes them anew")
}

// isBadValue tells whether PostgreSQL refused a value: one that it cannot hold
// (class 22), that breaks a constraint (23) or is too large for an index (54). Of
// tables that were altered by hand that says nothing about the value.
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
