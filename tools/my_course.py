"""Makes a learner's own copy of the lessons, where there is no make: python tools/my_course.py."""

import sys

from editions.learner import main

if __name__ == "__main__":
    sys.exit(main())
