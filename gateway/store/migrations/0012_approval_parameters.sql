-- What a second person reads before approving: the request, as text. Requests from before wait for five minutes at most.
ALTER TABLE approvals ADD COLUMN parameters TEXT NOT NULL DEFAULT '';
