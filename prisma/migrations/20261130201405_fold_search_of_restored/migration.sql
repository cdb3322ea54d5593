-- Change trigger public.users.users_fold_search
CREATE OR REPLACE TRIGGER users_fold_search BEFORE INSERT OR UPDATE OF email, first_name, last_name, account_id, is_deleted ON public.users FOR EACH ROW EXECUTE FUNCTION public.fold_user_search();
