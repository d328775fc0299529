// Client of pgx 5: every text prepared under a name of the driver's, binary values,
// batches in one write.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"clients/check"
)

type row struct {
	Tag string
	N   int
}

var (
	ctx   = context.Background()
	table = fmt.Sprintf("clients_pgx_%d", os.Getpid())
	pool  *pgxpool.Pool
)

type asker interface {
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

func ask[T any](on asker, text string, args ...any) T {
	var value T
	check.Must(text, on.QueryRow(ctx, text, args...).Scan(&value))
	return value
}

func sqlstate(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return fmt.Sprint(err)
}

func division(on asker) {
	var value int
	check.Expect("division", "22012",
		sqlstate(on.QueryRow(ctx, "select 1/$1::int", 0).Scan(&value)))
}

// Commit, roll back or fail: afterwards exactly the committed row is there.
func transaction(conn *pgxpool.Conn, n int, mine string) {
	tx, err := conn.Begin(ctx)
	check.Must("begin", err)
	_, err = tx.Exec(ctx, "insert into "+table+" values ($1, $2)", mine, n)
	check.Must("insert", err)
	rows, _ := tx.Query(ctx, "select tag, n from "+table+" where tag = $1", mine)
	own, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	check.Must("select", err)
	check.Expect("own row", []row{{mine, n}}, own)
	if n%3 == 2 {
		division(tx)
	}
	if n%3 == 0 {
		check.Must("commit", tx.Commit(ctx))
	} else {
		check.Must("rollback", tx.Rollback(ctx))
	}
	check.Expect("rows left", check.Left(n),
		ask[int](conn, "select count(*) from "+table+" where tag = $1", mine))
}

func copyRows(conn *pgxpool.Conn, mine string) {
	var lines [][]any
	var expected, back bytes.Buffer
	for i := range check.CopyRows {
		lines = append(lines, []any{fmt.Sprintf("%s-c%d", mine, i), i})
		fmt.Fprintf(&expected, "%s-c%d\t%d\n", mine, i, i)
	}
	tx, err := conn.Begin(ctx)
	check.Must("begin", err)
	_, err = tx.CopyFrom(ctx, pgx.Identifier{table}, []string{"tag", "n"}, pgx.CopyFromRows(lines))
	check.Must("copy in", err)
	_, err = tx.Conn().PgConn().CopyTo(ctx, &back, fmt.Sprintf("copy (select * from %s "+
		"where strpos(tag, '%s-c') = 1 order by n) to stdout", table, mine))
	check.Must("copy out", err)
	check.Must("rollback", tx.Rollback(ctx))
	check.Expect("copied rows", expected.String(), back.String())
}

func batch(conn *pgxpool.Conn, mine string) {
	var came, expected []string
	var many pgx.Batch
	for i := range 10 {
		expected = append(expected, fmt.Sprintf("%s-b%d", mine, i))
		many.Queue("select $1::text", expected[i]).QueryRow(func(r pgx.Row) error {
			var value string
			err := r.Scan(&value)
			came = append(came, value)
			return err
		})
	}
	check.Must("batch", conn.SendBatch(ctx, &many).Close())
	check.Expect("answers of the batch", expected, came)
}

func session(number int) {
	conn, err := pool.Acquire(ctx)
	check.Must("acquire", err)
	defer conn.Release()
	word := check.OwnWord(number)
	_, err = conn.Conn().Prepare(ctx, "own", "select '"+word+"-named' || $1::text")
	check.Must("prepare", err)
	for n := range check.Rounds {
		mine := check.Tag(number, n)
		check.Expect("no parameters", 7, ask[int](conn, "select 3 + 4"))
		check.Expect("parameter", mine, ask[string](conn, "select $1::text", mine))
		check.Expect("own statement", word+mine,
			ask[string](conn, "select '"+word+"' || $1::text", mine))
		check.Expect("own name", word+"-named"+mine, ask[string](conn, "own", mine))
		division(conn)
		_, err = conn.Exec(ctx, "do $$ begin raise notice 'to be ignored'; end $$")
		check.Must("notice", err)
		transaction(conn, n, mine)
		batch(conn, mine)
		if n%5 == 0 {
			copyRows(conn, mine)
		}
		if n == check.Rounds/2 {
			check.Cancel(func() string {
				_, err := conn.Exec(ctx, "select pg_sleep(30) /* "+mine+" */")
				return sqlstate(err)
			}, func() bool {
				return ask[int](pool, check.Watch, mine) > 0
			}, func() {
				check.Must("cancel request", conn.Conn().PgConn().CancelRequest(ctx))
			})
		}
	}
	check.Must("deallocate", conn.Conn().Deallocate(ctx, "own"))
}

func main() {
	config, err := pgxpool.ParseConfig("")
	check.Must("settings", err)
	config.MaxConns = int32(check.Clients) + 1 // a watcher beside the sessions
	pool, err = pgxpool.NewWithConfig(ctx, config)
	check.Must("pool", err)
	_, err = pool.Exec(ctx, "create table if not exists "+table+" (tag text, n int)")
	check.Must("create table", err)
	check.Sessions(session)
	check.Expect("committed rows", check.Clients*((check.Rounds+2)/3),
		ask[int](pool, "select count(*) from "+table))
	_, err = pool.Exec(ctx, "drop table "+table)
	check.Must("drop table", err)
	pool.Close()
	check.Finish("pgx", "github.com/jackc/pgx/v5")
}
