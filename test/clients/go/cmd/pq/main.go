// Client of lib/pq: parameters over the unnamed statement, which is parsed before one
// Sync and bound after it, and prepared statements that every connection names alike.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/lib/pq"

	"clients/check"
)

var (
	ctx   = context.Background()
	table = fmt.Sprintf("clients_pq_%d", os.Getpid())
	db    *sql.DB
)

type asker interface {
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

func ask[T any](on asker, text string, args ...any) T {
	var value T
	check.Must(text, on.QueryRowContext(ctx, text, args...).Scan(&value))
	return value
}

func sqlstate(err error) string {
	var refused *pq.Error
	if errors.As(err, &refused) {
		return string(refused.Code)
	}
	return fmt.Sprint(err)
}

func division(on asker) {
	var value int
	check.Expect("division", "22012",
		sqlstate(on.QueryRowContext(ctx, "select 1/$1::int", 0).Scan(&value)))
}

// Commit, roll back or fail: afterwards exactly the committed row is there.
func transaction(conn *sql.Conn, n int, mine string) {
	tx, err := conn.BeginTx(ctx, nil)
	check.Must("begin", err)
	_, err = tx.Exec("insert into "+table+" values ($1, $2)", mine, n)
	check.Must("insert", err)
	check.Expect("own row", n, ask[int](tx, "select n from "+table+" where tag = $1", mine))
	if n%3 == 2 {
		division(tx)
	}
	if n%3 == 0 {
		check.Must("commit", tx.Commit())
	} else {
		check.Must("rollback", tx.Rollback())
	}
	check.Expect("rows left", check.Left(n),
		ask[int](conn, "select count(*) from "+table+" where tag = $1", mine))
}

func copyRows(conn *sql.Conn, mine string) {
	var expected string
	tx, err := conn.BeginTx(ctx, nil)
	check.Must("begin", err)
	into, err := tx.Prepare("copy " + table + " (tag, n) from stdin")
	check.Must("copy in", err)
	for i := range check.CopyRows {
		_, err = into.Exec(fmt.Sprintf("%s-c%d", mine, i), i)
		check.Must("copied row", err)
		expected += fmt.Sprintf("%s-c%d %d,", mine, i, i)
	}
	_, err = into.Exec()
	check.Must("copied rows", err)
	check.Must("end of copy", into.Close())
	back := ask[string](tx, "select string_agg(tag || ' ' || n || ',', '' order by n) from "+
		table+" where strpos(tag, $1) = 1", mine+"-c")
	check.Must("rollback", tx.Rollback())
	check.Expect("copied rows", expected, back)
}

// The driver sends the cancel request when the context ends.
func cancel(conn *sql.Conn, mine string) {
	ending, end := context.WithCancel(ctx)
	defer end()
	asleep, err := conn.PrepareContext(ctx, "select pg_sleep(30) /* "+mine+" */")
	check.Must("prepare", err)
	defer asleep.Close()
	check.Cancel(func() string {
		_, err := asleep.ExecContext(ending)
		return sqlstate(err)
	}, func() bool {
		return ask[int](db, check.Watch, mine) > 0
	}, end)
}

func session(number int) {
	conn, err := db.Conn(ctx)
	check.Must("connect", err)
	defer conn.Close()
	word := check.OwnWord(number)
	own, err := conn.PrepareContext(ctx, "select '"+word+"' || $1")
	check.Must("prepare", err)
	defer own.Close()
	for n := range check.Rounds {
		mine := check.Tag(number, n)
		check.Expect("no parameters", 7, ask[int](conn, "select 3 + 4"))
		check.Expect("parameter", mine, ask[string](conn, "select $1::text", mine))
		check.Expect("own text", word+mine, ask[string](conn, "select '"+word+"' || $1", mine))
		var value string
		check.Must("own statement", own.QueryRow(mine).Scan(&value))
		check.Expect("own statement", word+mine, value)
		division(conn)
		_, err = conn.ExecContext(ctx, "do $$ begin raise notice 'to be ignored'; end $$")
		check.Must("notice", err)
		transaction(conn, n, mine)
		if n%5 == 0 {
			copyRows(conn, mine)
		}
		if n == check.Rounds/2 {
			cancel(conn, mine)
		}
	}
}

func main() {
	var err error
	db, err = sql.Open("postgres", "")
	check.Must("settings", err)
	_, err = db.Exec("create table if not exists " + table + " (tag text, n int)")
	check.Must("create table", err)
	check.Sessions(session)
	check.Expect("committed rows", check.Clients*((check.Rounds+2)/3),
		ask[int](db, "select count(*) from "+table))
	_, err = db.Exec("drop table " + table)
	check.Must("drop table", err)
	db.Close()
	check.Finish("pq", "github.com/lib/pq")
}
