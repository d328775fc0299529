-- One round of pgbench. @WORD@ is a number of this process alone, so the same statement
-- name stands for another text in another process. A wrong answer makes a query whose
-- error says what was expected and what came.
\set round :round + 1
\set tag @WORD@ + :client_id * 10000 + :round
select :tag::bigint as got, 3 + 4 as seven \gset
\if :got <> :tag or :seven <> 7
select ('expected ' || :tag::text || ' and 7, got ' || :got::text || ' and ' || :seven::text)::int;
\endif
select @WORD@::bigint - :tag::bigint as got \gset
\if :got <> @WORD@ - :tag
select ('expected own text of @WORD@ and ' || :tag::text || ', got ' || :got::text)::int;
\endif
