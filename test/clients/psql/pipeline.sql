-- The end of a round where the protocol can do it: nine messages before one answer.
\set other 0 - :tag
\startpipeline
begin;
insert into @TABLE@ values (:other, 1);
insert into @TABLE@ values (:other, 2);
update @TABLE@ set n = n + :client_id where tag = :other;
commit;
begin;
insert into @TABLE@ values (:other, 4);
rollback;
\endpipeline
select coalesce(sum(n), 0) as got from @TABLE@ where tag = :other \gset
\if :got <> 3 + 2 * :client_id
select ('expected a sum of 3 + 2 * ' || :client_id::text || ', got ' || :got::text)::int;
\endif
