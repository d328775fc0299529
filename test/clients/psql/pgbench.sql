-- One round of pgbench. @WORD@ is a number of this process alone, so the same statement
-- name stands for another text in another process. A wrong answer makes a query whose
-- error says what was expected and what came.
\set round :round + 1
\set tag @WORD@ + :client_id * 10000 + :round
\set keep case when :round % 3 = 0 then 1 else 0 end
select :tag::bigint as got, 3 + 4 as seven \gset
\if :got <> :tag or :seven <> 7
select ('expected ' || :tag::text || ' and 7, got ' || :got::text || ' and ' || :seven::text)::int;
\endif
select @WORD@::bigint - :tag::bigint as got \gset
\if :got <> @WORD@ - :tag
select ('expected own text of @WORD@ and ' || :tag::text || ', got ' || :got::text)::int;
\endif
begin;
insert into @TABLE@ values (:tag, :client_id);
select count(*) as rows, coalesce(min(n), -1) as n from @TABLE@ where tag = :tag \gset
\if :keep = 1
commit;
\else
rollback;
\endif
select count(*) as kept from @TABLE@ where tag = :tag \gset
\if :rows <> 1 or :n <> :client_id or :kept <> :keep
select ('expected 1 row of ' || :client_id::text || ', then ' || :keep::text || ', got '
	|| :rows::text || ' of ' || :n::text || ', then ' || :kept::text)::int;
\endif
