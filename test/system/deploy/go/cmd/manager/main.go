// manager SOCKET-FOLDER COMMAND...: talks to the console as CloudNativePG's manager does:
// pgx by the simple protocol over the unix socket, user and database pgbouncer, a connection
// for each command. The three topics that it turns into metrics are scanned by position.
//
// Prints a line of JSON for each COMMAND: its rows, or {"error": text}.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Columns of SHOW POOLS after database and user: numbers, then the mode, then load_balance_hosts.
const poolNumbers = 13

// Columns of SHOW STATS after the database.
const statNumbers = 22

func scanPools(rows *sql.Rows) (any, error) {
	var database, user, mode string
	var balance sql.NullInt32
	numbers := make([]int, poolNumbers)
	into := []any{&database, &user}
	for i := range numbers {
		into = append(into, &numbers[i])
	}
	err := rows.Scan(append(into, &mode, &balance)...)
	return []any{database, user, numbers, mode, balance.Valid}, err
}

func scanStats(rows *sql.Rows) (any, error) {
	var database string
	numbers := make([]int64, statNumbers)
	into := []any{&database}
	for i := range numbers {
		into = append(into, &numbers[i])
	}
	err := rows.Scan(into...)
	return []any{database, numbers}, err
}

func scanLists(rows *sql.Rows) (any, error) {
	var name string
	var number int
	err := rows.Scan(&name, &number)
	return []any{name, number}, err
}

var scans = map[string]func(*sql.Rows) (any, error){
	"SHOW POOLS;": scanPools,
	"SHOW STATS;": scanStats,
	"SHOW LISTS;": scanLists,
}

func show(db *sql.DB, command string) (any, error) {
	rows, err := db.Query(command)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []any{}
	for rows.Next() {
		row, err := scans[command](rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func run(db *sql.DB, command string) (any, error) {
	if strings.HasPrefix(command, "SHOW ") {
		return show(db, command)
	}
	_, err := db.Exec(command)
	return nil, err
}

func main() {
	config, err := pgx.ParseConfig("host=" + os.Args[1] +
		" port=5432 user=pgbouncer dbname=pgbouncer sslmode=disable")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.RuntimeParams = map[string]string{"client_encoding": "UTF8", "datestyle": "ISO"}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	db.SetMaxOpenConns(3)
	db.SetMaxIdleConns(0)
	for _, command := range os.Args[2:] {
		said, err := run(db, command)
		if err != nil {
			said = map[string]string{"error": err.Error()}
		}
		line, _ := json.Marshal(said)
		fmt.Println(string(line))
	}
}
