package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
)

// consume reads the log from its start with a plain ordered consumer.
func (s *system) consume(ctx context.Context, events int) error {
	js, err := jetstream.New(s.nc)
	if err != nil {
		return err
	}
	consumer, err := js.OrderedConsumer(ctx, s.log.Stream(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	read, all := 0, make(chan struct{})
	consuming, err := consumer.Consume(func(jetstream.Msg) {
		if read++; read == events {
			close(all)
		}
	})
	if err != nil {
		return err
	}
	defer func() { consuming.Stop(); <-consuming.Closed() }()
	select {
	case <-all:
		return nil
	case <-consuming.Closed():
		return errors.New("the consumer ended early")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// copied are the rows of the read models, in PostgreSQL's binary form.
type copied struct {
	url    string
	tables map[string][]byte
}

// copyRows takes the rows that belong to sessions, and the form of their tables:
// rebuilding drops the tables that they are in.
func (s *system) copyRows(ctx context.Context) (c *copied, err error) {
	c = &copied{url: s.at.Postgres.URL, tables: map[string][]byte{}}
	return c, c.connected(ctx, func(conn *pgx.Conn) error {
		var schema string
		err := conn.QueryRow(ctx, "select table_schema from information_schema.view_table_usage"+
			" where view_schema = 'parley' and view_name = 'sessions' and table_name = 'sessions'").Scan(&schema)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "create schema rows_like"); err != nil {
			return err
		}
		for _, table := range []string{"sessions", "calls", "segments", "responses"} {
			if _, err := conn.Exec(ctx, "create table rows_like."+table+" (like "+schema+"."+table+" including all)"); err != nil {
				return err
			}
			var rows bytes.Buffer
			if _, err := conn.PgConn().CopyTo(ctx, &rows, "copy "+schema+"."+table+" to stdout (format binary)"); err != nil {
				return err
			}
			c.tables[table] = rows.Bytes()
		}
		return nil
	})
}

func (c *copied) connected(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return err
	}
	return errors.Join(do(conn), conn.Close(context.WithoutCancel(ctx)))
}

// again copies the rows into tables like theirs, indexes included, in one
// transaction. What was there from the round before leaves in it too.
func (c *copied) again(ctx context.Context) error {
	return c.connected(ctx, func(conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "drop schema if exists plain cascade; create schema plain"); err != nil {
				return err
			}
			for table, rows := range c.tables {
				if _, err := tx.Exec(ctx, "create table plain."+table+" (like rows_like."+table+" including all)"); err != nil {
					return err
				}
				if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(rows), "copy plain."+table+" from stdin (format binary)"); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
