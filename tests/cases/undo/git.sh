# SPDX-License-Identifier: MIT
# git.sh - what git throws away
. "$(dirname "$0")/lib.sh"
begin
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
setup='git init -q -b main .; seq 50 >a; mkdir d; seq 60 >d/b; git add .; git commit -qm one
	git branch other; seq 70 >a; git commit -qam two; git checkout -q other; seq 9 >c; git add c; git commit -qm three
	git checkout -q main; echo dirty >>a; echo untracked >u; echo x >d/v'
scenario reset "$setup" 'git reset -q --hard HEAD~1'
scenario clean "$setup; echo '*.o' >.gitignore; mkdir o; echo o >o/x.o" 'git clean -fdxq'
scenario checkout "$setup" 'git checkout -q -f other; git checkout -q -- .'
scenario restore "$setup" 'git restore .'
scenario rebase "$setup; git stash -q" 'git -c user.name=a -c user.email=a@b rebase -q other'
scenario stash "$setup" 'git -c user.name=a -c user.email=a@b stash -q -u'
scenario gc "$setup; git stash -q; git stash drop -q" \
	'git reflog expire --expire=now --all; git gc -q --prune=now'
scenario branch "$setup" 'git branch -D other; git update-ref -d refs/heads/main'
finish
