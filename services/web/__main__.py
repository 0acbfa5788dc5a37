"""The API as a process: `python -m services.web`."""

from services.web.process import main

if __name__ == "__main__":
    main()
