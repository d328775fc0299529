// ask DSN QUERY...: what collectors built on lib/pq see. Runs each QUERY by a plain Query and
// prints a line of JSON for it: its columns, the names of their types, and its rows
// with each value as the kind that database/sql makes of it.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"

	_ "github.com/lib/pq"
)

type answer struct {
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
	Rows    [][]any  `json:"rows"`
}

func ask(db *sql.DB, query string) (answer, error) {
	var came answer
	rows, err := db.Query(query)
	if err != nil {
		return came, err
	}
	defer rows.Close()
	if came.Columns, err = rows.Columns(); err != nil {
		return came, err
	}
	types, err := rows.ColumnTypes()
	if err != nil {
		return came, err
	}
	for _, one := range types {
		came.Types = append(came.Types, one.DatabaseTypeName())
	}
	for rows.Next() {
		row := make([]any, len(came.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err = rows.Scan(into...); err != nil {
			return came, err
		}
		for i, value := range row {
			if bytes, ok := value.([]byte); ok {
				row[i] = map[string]string{"bytes": string(bytes)}
			}
		}
		came.Rows = append(came.Rows, row)
	}
	return came, rows.Err()
}

func main() {
	db, err := sql.Open("postgres", os.Args[1])
	if err == nil {
		defer db.Close()
		db.SetMaxOpenConns(1)
		for _, query := range os.Args[2:] {
			var came answer
			if came, err = ask(db, query); err != nil {
				break
			}
			line, _ := json.Marshal(came)
			fmt.Println(string(line))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
