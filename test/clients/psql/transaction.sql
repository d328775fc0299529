-- A transaction of several messages, kept in every third round.
\set keep case when :round % 3 = 0 then 1 else 0 end
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
