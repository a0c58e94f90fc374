"""The chats of all people, kept in a database: threads, questions, pictures, answers, feedback, settings.

- `tables` and `migrations`: the schema; `database`: the connection to SQLite, PostgreSQL or another database.
- `store`: threads as data (`app.talk.conversation`) in and out; `listing`: the sidebar's list and its search; `users`.
- `autosave`: answers while they are being given; `merging`: what other sessions have changed.
- `transfer`: a thread as Markdown and as JSON, and back.

What Chainlit asks of it, and what a live chat has saved, is in `app.page.threads`.
"""
