"""The chats of all users, kept in a database: threads, questions, pictures, answers, feedback, settings.

- `tables` and `migrations`: the schema; `database`: the connection to SQLite, PostgreSQL or another database.
- `store`: reads and writes threads (`app.talk.conversation`); `listing`: the sidebar's list and its search; `users`.
- `autosave`: saves answers in progress; `merging`: merges the changes of other sessions.
- `transfer`: exports a thread as Markdown or JSON, and imports it.

`app.page.threads` connects it to Chainlit and to live chats.
"""
