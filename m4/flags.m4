# PGWEIR_CFLAG(VARIABLE, FLAG)
# Append FLAG to VARIABLE when the compiler takes it without complaint.
AC_DEFUN([PGWEIR_CFLAG], [
	AS_VAR_PUSHDEF([known], [pgweir_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [known], [
		saved_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		CFLAGS=$saved_cflags
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])

# PGWEIR_LDFLAG(VARIABLE, FLAG)
# Append FLAG to VARIABLE when a program links with it.
AC_DEFUN([PGWEIR_LDFLAG], [
	AS_VAR_PUSHDEF([known], [pgweir_cv_ldflag_$2])
	AC_CACHE_CHECK([whether the linker takes $2], [known], [
		saved_ldflags=$LDFLAGS
		LDFLAGS="$LDFLAGS $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])
		LDFLAGS=$saved_ldflags
	])
	AS_VAR_IF([known], [yes], [$1="$$1 $2"])
	AS_VAR_POPDEF([known])
])

# PGWEIR_SWITCH(NAME, HELP)
# An --enable-NAME option, off unless asked for; the answer is in $enable_NAME.
AC_DEFUN([PGWEIR_SWITCH], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [],
		[enable_$1=no])
])
